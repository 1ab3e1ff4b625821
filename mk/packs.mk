# City packs: their packages, what is built from them, and their tests. Nothing is fetched but by npm, and only when
# packs/package-lock.json is newer than what is installed; install scripts of packages never run.
NODE ?= node
PACK ?= suzhou

packs/node_modules/.package-lock.json: packs/package-lock.json packs/package.json
	@cd packs && npm ci --ignore-scripts --no-audit --no-fund && touch node_modules/.package-lock.json

## make packs        build packs/suzhou/built from the public packages (quick when nothing changed)
.PHONY: packs packs-test
packs: packs/node_modules/.package-lock.json
	@$(NODE) packs/tools/build.mjs $(PACK)

## make packs-test   check the packs: counts, check digits, seeded faults, determinism, another city
packs-test: packs
	@$(NODE) --test packs/tools/*.test.mjs
