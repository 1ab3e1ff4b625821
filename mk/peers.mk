# SPDX-License-Identifier: MulanPSL-2.0
# Clients that others wrote, against a running gusu: ckanapi, rdflib and the SHACL shapes of DCAT-AP 3, Go's tlog.
# They come from the network, so `make test` does not need them.

## make check-peers  foreign clients: ckanapi, a DCAT harvester with the DCAT-AP 3 shapes, Go's transparency log
.PHONY: check-peers
check-peers: $(B)/gusu packs
	@test/peers/run $(abspath $(B)) $(abspath $(B)/gusu)
