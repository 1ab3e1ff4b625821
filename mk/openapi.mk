# SPDX-License-Identifier: MulanPSL-2.0
# The interface's own description, before a linter from outside and our own promises (test/api/openapi.test.ts).

## make check-openapi  lint /api/openapi.json of a running build
.PHONY: check-openapi
check-openapi: $(B)/gusu
	@cd test && GUSU_BIN=$(abspath $(B))/gusu npx vitest run --config vitest.config.ts --project api api/openapi.test.ts
