// SPDX-License-Identifier: MulanPSL-2.0

// Witnessing with the program that the public witness network runs (transparency-dev/witness), in both directions:
//
//	peer witness -key FILE -log VKEY       their witness, asked by gusu for cosignatures; prints its vkey and address
//	peer check   -url URL -log VKEY -witness VKEY
//	                                       gusu's witnessed checkpoint: log and witness, read by their parser
//	peer key     -key FILE                 a log's key; prints its vkey
//	peer log     -key FILE -url URL -witness VKEY
//	                                       a log of theirs, cosigned by gusu through their client; then a fork
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	f_log "github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	client "github.com/transparency-dev/witness/client/http"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const origin = "peers.example/log"

func must(what string, err error) {
	if err != nil {
		log.Fatalf("FAIL %s: %v", what, err)
	}
}

// One secret key a file, made when it is not there.
func secret(path, name string) (skey, vkey string) {
	if old, err := os.ReadFile(path); err == nil {
		skey, vkey, _ = strings.Cut(strings.TrimSpace(string(old)), "\n")
		return skey, vkey
	}
	skey, vkey, err := note.GenerateKey(rand.Reader, name)
	must("key", err)
	must("key", os.WriteFile(path, []byte(skey+"\n"+vkey+"\n"), 0o600))
	return skey, vkey
}

func serve(key, logKey string) {
	ctx := context.Background()
	skey, vkey := secret(key, "witness.example/w")
	signer, err := f_note.NewSignerForCosignatureV1(skey)
	must("signer", err)
	v, err := note.NewVerifier(logKey)
	must("log", err)
	w, err := witness.New(ctx, witness.Opts{
		Persistence: inmemory.New(),
		Signers:     []note.Signer{signer},
		VerifierForLog: func(_ context.Context, o string) (note.Verifier, bool, error) {
			return v, o == v.Name(), nil
		},
	})
	must("witness", err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must("listen", err)
	cosign, err := f_note.VKeyToCosignatureV1(vkey)
	must("vkey", err)
	fmt.Printf("%s http://%s\n", cosign, listener.Addr())
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", witness.NewHTTPHandler(w).AddCheckpoint)
	must("serve", http.Serve(listener, mux))
}

func check(base, logKey, witnessKey string) {
	v, err := note.NewVerifier(logKey)
	must("log", err)
	c, err := f_note.NewVerifierForCosignatureV1(witnessKey)
	must("witness", err)
	var text []byte
	// The witness is asked in the background: give it a while.
	for try := 0; ; try++ {
		resp, err := http.Get(base + "/ledger/witnessed/checkpoint")
		must("get", err)
		text, err = io.ReadAll(resp.Body)
		must("get", err)
		resp.Body.Close()
		if resp.StatusCode == 200 {
			break
		}
		if try == 100 {
			log.Fatalf("FAIL nothing is witnessed: %s", resp.Status)
		}
		time.Sleep(200 * time.Millisecond)
	}
	cp, _, n, err := f_log.ParseCheckpoint(text, v.Name(), v, c)
	must("parse", err)
	if len(n.Sigs) != 2 {
		log.Fatalf("FAIL %d signatures hold, want log and witness", len(n.Sigs))
	}
	for _, s := range n.Sigs {
		if s.Name == c.Name() {
			at, err := f_note.CoSigV1Timestamp(s)
			must("time", err)
			if d := time.Since(at); d < -time.Minute || d > time.Hour {
				log.Fatalf("FAIL cosigned at %v", at)
			}
		}
	}
	fmt.Printf("ok: their witness cosigned our log at size %d\n", cp.Size)
}

// A log in memory: records, and the stored hashes that tlog wants.
type tree struct {
	hashes []tlog.Hash
	n      int64
}

func (t *tree) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, 0, len(at))
	for _, i := range at {
		out = append(out, t.hashes[i])
	}
	return out, nil
}

func (t *tree) grow(until int64, salt string) {
	for ; t.n < until; t.n++ {
		more, err := tlog.StoredHashes(t.n, []byte(fmt.Sprintf("%s %d", salt, t.n)), t)
		must("tree", err)
		t.hashes = append(t.hashes, more...)
	}
}

func (t *tree) checkpoint(s note.Signer) []byte {
	root, err := tlog.TreeHash(t.n, t)
	must("root", err)
	text, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", s.Name(), t.n, root)}, s)
	must("sign", err)
	return text
}

func (t *tree) proof(old int64) (out [][]byte) {
	if old == 0 || old == t.n {
		return nil
	}
	p, err := tlog.ProveTree(t.n, old, t)
	must("prove", err)
	for _, h := range p {
		out = append(out, append([]byte{}, h[:]...))
	}
	return out
}

func outside(key, base, witnessKey string) {
	ctx := context.Background()
	skey, vkey := secret(key, origin)
	signer, err := note.NewSigner(skey)
	must("signer", err)
	v, err := note.NewVerifier(vkey)
	must("log", err)
	c, err := f_note.NewVerifierForCosignatureV1(witnessKey)
	must("witness", err)
	u, err := url.Parse(base + "/ledger/witness")
	must("url", err)
	w := client.NewWitness(u, http.DefaultClient)
	mine, other := &tree{}, &tree{}
	old := int64(0)
	for _, size := range []int64{1, 2, 3, 7, 8, 64, 255, 256, 257, 1000, 1000, 4097} {
		mine.grow(size, "mine")
		cp := mine.checkpoint(signer)
		sigs, _, err := w.Update(ctx, uint64(old), cp, mine.proof(old))
		must(fmt.Sprintf("%d → %d", old, size), err)
		_, _, n, err := f_log.ParseCheckpoint(append(append([]byte{}, cp...), sigs...), origin, v, c)
		must("cosignature", err)
		if len(n.Sigs) != 2 {
			log.Fatalf("FAIL size %d: %d signatures hold", size, len(n.Sigs))
		}
		old = size
	}
	refused := func(what string, old int64, t *tree, s note.Signer, proof [][]byte, want error) {
		_, told, err := w.Update(ctx, uint64(old), t.checkpoint(s), proof)
		if !errors.Is(err, want) {
			log.Fatalf("FAIL %s: %v, want %v", what, err, want)
		}
		if errors.Is(want, witness.ErrCheckpointStale) && told != 4097 {
			log.Fatalf("FAIL %s: told size %d", what, told)
		}
		fmt.Printf("refused: %s (%v)\n", what, err)
	}
	other.grow(4097, "another history")
	refused("a fork of the same size", 4097, other, signer, nil, witness.ErrInvalidProof)
	other.grow(5000, "another history")
	refused("a longer fork with a proof of its own", 4097, other, signer, other.proof(4097), witness.ErrInvalidProof)
	refused("a fork from the beginning", 0, other, signer, nil, witness.ErrCheckpointStale)
	short := &tree{}
	short.grow(100, "mine")
	refused("a log put back", 100, short, signer, nil, witness.ErrCheckpointStale)
	strange, _, err := note.GenerateKey(rand.Reader, origin)
	must("key", err)
	forger, err := note.NewSigner(strange)
	must("key", err)
	mine.grow(5000, "mine")
	refused("a stranger's signature", 4097, mine, forger, mine.proof(4097), witness.ErrNoValidSignature)
	unknown, _, err := note.GenerateKey(rand.Reader, "un.known/log")
	must("key", err)
	nobody, err := note.NewSigner(unknown)
	must("key", err)
	refused("an unknown log", 0, mine, nobody, nil, witness.ErrUnknownLog)
	refused("an old size above the new", 6000, mine, signer, nil, witness.ErrOldSizeInvalid)
	fmt.Println("ok: gusu cosigned their log to size 4097 and refused every fork")
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("peer witness|check|key|log")
	}
	f := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	key := f.String("key", "", "file of a secret key")
	base := f.String("url", "", "gusu")
	logKey := f.String("log", "", "vkey of the log")
	witnessKey := f.String("witness", "", "vkey of the witness")
	must("flags", f.Parse(os.Args[2:]))
	switch os.Args[1] {
	case "witness":
		serve(*key, *logKey)
	case "check":
		check(*base, *logKey, *witnessKey)
	case "key":
		_, vkey := secret(*key, origin)
		fmt.Println(vkey)
	case "log":
		outside(*key, *base, *witnessKey)
	}
}
