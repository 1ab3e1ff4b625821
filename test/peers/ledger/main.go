// SPDX-License-Identifier: MulanPSL-2.0

// A stranger's check of a running ledger, with the Go project's own note and tlog packages: the checkpoint's
// signature, every tile and every entry bundle, inclusion of each entry, consistency with what an earlier run saw
// (-state), and the proofs and receipts that the server itself hands out.
//
//	go run . -url http://localhost:8080 [-state FILE] [-key VKEY,…]
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

var base string

func get(path string) ([]byte, error) {
	resp, err := http.Get(base + path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != 200 {
		err = fmt.Errorf("%s: %s", path, resp.Status)
	}
	return body, err
}

func must(what string, err error) {
	if err != nil {
		log.Fatalf("FAIL %s: %v", what, err)
	}
}

// Go's paths carry the tile height and call bundles "data"; C2SP's do neither.
func tilePath(t tlog.Tile) string {
	p := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", t.H))
	return "/ledger/tile/" + strings.Replace(p, "data/", "entries/", 1)
}

type reader struct{ fetched int }

func (r *reader) Height() int { return height }
func (r *reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		data, err := get(tilePath(t))
		if err != nil {
			return nil, err
		}
		r.fetched++
		out = append(out, data)
	}
	return out, nil
}
func (r *reader) SaveTiles([]tlog.Tile, [][]byte) {}

// origin, size, root: the body of a checkpoint.
func parse(text, origin string) (t tlog.Tree, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] != origin {
		return t, fmt.Errorf("not a checkpoint of %s", origin)
	}
	if t.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return t, err
	}
	t.Hash, err = tlog.ParseHash(lines[2])
	return t, err
}

// One or more keys of one log: of a log that changed its key each checkpoint is signed by the key of its day.
type keys struct {
	note.Verifiers
	name string
}

func readKeys(text string) keys {
	var all []note.Verifier
	for _, one := range strings.Fields(strings.ReplaceAll(text, ",", " ")) {
		v, err := note.NewVerifier(one)
		must("vkey", err)
		all = append(all, v)
	}
	return keys{note.VerifierList(all...), all[0].Name()}
}

func open(v keys, text []byte) tlog.Tree {
	n, err := note.Open(text, v)
	must("note", err)
	t, err := parse(n.Text, v.name)
	must("checkpoint", err)
	return t
}

// All entries in order, each hashed as a record.
func leaves(size int64) []tlog.Hash {
	var out []tlog.Hash
	for n := int64(0); n*256 < size; n++ {
		t := tlog.Tile{H: height, L: -1, N: n, W: 256}
		if size-n*256 < 256 {
			t.W = int(size - n*256)
		}
		data, err := get(tilePath(t))
		must("bundle", err)
		for i := 0; i < t.W; i++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				log.Fatalf("FAIL bundle %d is short", n)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			out = append(out, tlog.RecordHash(data[2:end]))
			data = data[end:]
		}
		if len(data) != 0 {
			log.Fatalf("FAIL bundle %d has %d bytes too many", n, len(data))
		}
	}
	return out
}

func checkAPI(v keys, i int64, leaf tlog.Hash) {
	body, err := get(fmt.Sprintf("/api/v1/ledger/entries/%d/proof", i))
	must("proof", err)
	var p struct {
		Index, Size int64
		LeafSha256  string `json:"leaf_sha256"`
		Proof       []string
		Root        string
		Checkpoint  string
	}
	must("proof", json.Unmarshal(body, &p))
	tree := open(v, []byte(p.Checkpoint))
	var proof tlog.RecordProof
	for _, h := range p.Proof {
		raw, err := hex.DecodeString(h)
		must("proof", err)
		var one tlog.Hash
		copy(one[:], raw)
		proof = append(proof, one)
	}
	if tree.N != p.Size || p.LeafSha256 != hex.EncodeToString(leaf[:]) || p.Root != hex.EncodeToString(tree.Hash[:]) {
		log.Fatalf("FAIL proof %d: its parts do not belong together", i)
	}
	must("proof", tlog.CheckRecord(proof, tree.N, tree.Hash, i, leaf))
}

func checkReceipt(v keys, i int64, leaf tlog.Hash) {
	body, err := get(fmt.Sprintf("/api/v1/ledger/entries/%d/receipt", i))
	must("receipt", err)
	head, checkpoint, ok := strings.Cut(string(body), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" || lines[2] != fmt.Sprintf("index %d", i) {
		log.Fatalf("FAIL receipt %d: %q", i, head)
	}
	extra, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	must("receipt", err)
	if tlog.RecordHash(extra) != leaf { // nobody is logged in: the extra line is the leaf alone
		log.Fatalf("FAIL receipt %d: its leaf is another", i)
	}
	var proof tlog.RecordProof
	for _, l := range lines[3:] {
		h, err := tlog.ParseHash(l)
		must("receipt", err)
		proof = append(proof, h)
	}
	tree := open(v, []byte(checkpoint))
	must("receipt", tlog.CheckRecord(proof, tree.N, tree.Hash, i, leaf))
}

func main() {
	log.SetFlags(0)
	url := flag.String("url", "http://localhost:8080", "the server")
	state := flag.String("state", "", "file with the tree seen last; checked against, then replaced")
	key := flag.String("key", "", "verifier keys of the log, separated by commas; else the server's own")
	flag.Parse()
	base = strings.TrimSuffix(*url, "/")
	if *key == "" {
		k, err := get("/ledger/vkey")
		must("vkey", err)
		*key = strings.TrimSpace(string(k))
	}
	v := readKeys(*key)
	// Asking for the newest entry's proof makes the server sign what is durable: no waiting for its next second.
	body, err := get("/api/v1/ledger")
	must("ledger", err)
	var now struct{ Size int64 }
	must("ledger", json.Unmarshal(body, &now))
	if now.Size > 0 {
		_, err = get(fmt.Sprintf("/api/v1/ledger/entries/%d/proof", now.Size-1))
		must("proof", err)
	}
	text, err := get("/ledger/checkpoint")
	must("checkpoint", err)
	tree := open(v, text)
	r := &reader{}
	hr := tlog.TileHashReader(tree, r) // checks every tile against the signed root

	root, err := tlog.TreeHash(tree.N, hr)
	must("root", err)
	if root != tree.Hash {
		log.Fatalf("FAIL root from tiles: %v, signed: %v", root, tree.Hash)
	}
	all := leaves(tree.N)
	for i, leaf := range all {
		h, err := hr.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(i))})
		must("tile", err)
		if h[0] != leaf {
			log.Fatalf("FAIL entry %d: bundle and tile differ", i)
		}
	}
	step := tree.N/50 + 1
	for i := int64(0); i < tree.N; i += step {
		proof, err := tlog.ProveRecord(tree.N, i, hr)
		must("inclusion", err)
		must("inclusion", tlog.CheckRecord(proof, tree.N, tree.Hash, i, all[i]))
		checkAPI(v, i, all[i])
		checkReceipt(v, i, all[i])
	}
	if *state != "" {
		if old, err := os.ReadFile(*state); err == nil {
			before := open(v, old)
			proof, err := tlog.ProveTree(tree.N, before.N, hr)
			must("consistency", err)
			must("consistency", tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash))
			fmt.Printf("consistent: %d -> %d\n", before.N, tree.N)
		}
		must("state", os.WriteFile(*state, text, 0o644))
	}
	fmt.Printf("ok: %d entries, %d tiles, root %v\n", tree.N, r.fetched, tree.Hash)
}
