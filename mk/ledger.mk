# SPDX-License-Identifier: MulanPSL-2.0
# The ledger read by strangers: needs Go (Debian's 1.19 is enough) and, once, golang.org/x/mod from the module proxy.

## make check-peers-ledger  a growing ledger before Go's note and tlog (part of check-peers)
.PHONY: check-peers-ledger
check-peers-ledger: $(B)/gusu
	@test/peers/ledger/run.sh $(B)/gusu packs/$(PACK)

## make check-peers-witness  witnessing with the public witness network's program, both ways; WITNESS_SRC: a checkout of it
.PHONY: check-peers-witness
check-peers-witness: $(B)/gusu
	@test/peers/witness/run.sh $(B)/gusu

# Its sources see the store's header, which names all queries.
$(B)/fuzz/receipt: $(B)/gen/queries.h
