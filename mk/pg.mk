# SPDX-License-Identifier: MulanPSL-2.0
# The tests of SQLite, on PostgreSQL: each data folder has a schema of its own in a cluster that is thrown away.

## make test-pg      all unit and api tests on PostgreSQL (a cluster of its own; tools/setup pg)
.PHONY: setup-pg test-pg test-pg-unit test-pg-api test-postgres
setup-pg:
	@tools/setup test pg
test-pg: setup-pg test-pg-unit test-pg-api
test-pg-unit: $(UNITBIN)
	@tools/with-postgres $(MAKE) --no-print-directory unit
test-pg-api: $(B)/gusu packs web test/node_modules/.package-lock.json
	@cd test && ../tools/with-postgres env GUSU_BUILD=$(abspath $(B)) GUSU_BIN=$(abspath $(B))/gusu \
	  npx --no-install vitest run --config vitest.config.ts --project api

# The part that `make test` runs: the store itself, a module's flow, and the first story end to end.
PG_UNIT := $(addprefix $(B)/unit/test_,store_conn store_queue store_nodes core_table ledger_tree exchange_call)
test-postgres: setup-pg $(PG_UNIT) $(B)/gusu packs web test/node_modules/.package-lock.json
	@tools/with-postgres sh -c 'bad=0; for t in $(PG_UNIT); do echo "== $$t"; $$t 2>&1 || bad=1; done; \
	  cd test && GUSU_BUILD=$(abspath $(B)) GUSU_BIN=$(abspath $(B))/gusu npx --no-install vitest run \
	  --config vitest.config.ts --project api api/story-a.test.ts api/people.test.ts || bad=1; exit $$bad'

## make test-pg-nodes three nodes over one PostgreSQL: races, histories, kills, and the stories through all of them
# NODES_KILLS=100 makes the kills long; NODES_API='…' names other files of test/api (all of them: NODES_API=api).
NODES_API ?= api/story-a.test.ts api/people.test.ts api/paths.test.ts api/permissions.test.ts api/ckan.test.ts
.PHONY: test-pg-nodes
test-pg: test-pg-nodes
test-pg-nodes: setup-pg $(B)/gusu packs web test/node_modules/.package-lock.json
	@cd test && GUSU_BUILD=$(abspath $(B)) GUSU_BIN=$(abspath $(B))/gusu npx --no-install vitest run \
	  --config vitest.config.ts --project nodes
	@cd test && ../tools/with-postgres env GUSU_TEST_NODES=3 GUSU_BUILD=$(abspath $(B)) GUSU_BIN=$(abspath $(B))/gusu \
	  npx --no-install vitest run --config vitest.config.ts --project api $(NODES_API)
