# SPDX-License-Identifier: MulanPSL-2.0
# The page (web/ → $(B)/web) and the tests that speak to a running server (test/). npm installs only when a lock is
# newer than what is installed, install scripts of packages never run, and the page is built only when a source changed.
WEB_SRC := $(shell find web/src web/public -type f) web/index.html web/verifier.html web/vite.config.ts \
  web/vite.verifier.config.ts web/tsconfig.json
WEB_OUT := $(abspath $(B))/web

web/node_modules/.package-lock.json: web/package-lock.json web/package.json
	@cd web && npm ci --ignore-scripts --no-audit --no-fund && touch node_modules/.package-lock.json
test/node_modules/.package-lock.json: test/package-lock.json test/package.json
	@cd test && npm ci --ignore-scripts --no-audit --no-fund && touch node_modules/.package-lock.json

## make web          build the page into build/web (quick when nothing changed)
.PHONY: web web-words test-api test-page
web: $(B)/web/index.html
$(B)/web/index.html: web/node_modules/.package-lock.json $(WEB_SRC)
	@cd web && npx --no-install vue-tsc --noEmit && GUSU_WEB_OUT=$(WEB_OUT) npx --no-install vite build --logLevel warn
	@cd web && GUSU_WEB_OUT=$(WEB_OUT) npx --no-install vite build -c vite.verifier.config.ts --logLevel warn
	@echo "built $(B)/web"

## make web-words    the page's word tables: same keys in zh and en, every word used exists
web-words: test/node_modules/.package-lock.json
	@cd test && npx --no-install vitest run --project words

# GUSU_* say where things are, so that a build in another folder is the one that is tested.
GUSU_TEST_ENV = GUSU_BIN=$(abspath $(B)/gusu) GUSU_WEB=$(WEB_OUT) GUSU_BUILD=$(abspath $(B))

## make test-api     tests over HTTP against a server of their own; each reply must fit its OpenAPI schema
test-api: $(B)/gusu packs web test/node_modules/.package-lock.json
	@cd test && $(GUSU_TEST_ENV) npx --no-install vitest run --project api

## make test-page    every screen in headless Chromium, zh and en; pictures go to build/shots
test-page: $(B)/gusu packs web test/node_modules/.package-lock.json
	@cd test && $(GUSU_TEST_ENV) npx --no-install vitest run --project page
