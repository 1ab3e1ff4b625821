// SPDX-License-Identifier: MulanPSL-2.0

// The service a competent user would write by hand: Go's net/http and pgx, prepared statements, a pool, the row made to
// JSON by PostgreSQL. It looks at no token, grant, quota or mask. With -audit the row is read and the audit record
// written by one function in one transaction.
//
//	service -listen 127.0.0.1:3001 -db postgres://… -pool 32 [-audit]
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	plain   = `SELECT json_build_object('items', json_build_array(row_to_json(f)))::text FROM firm_registration f WHERE uscc = $1`
	audited = `SELECT exchange_call($1)::text`
)

func main() {
	listen := flag.String("listen", "127.0.0.1:3001", "address")
	db := flag.String("db", "", "database")
	pool := flag.Int("pool", 32, "connections to the database")
	audit := flag.Bool("audit", false, "write the audit record of each call")
	flag.Parse()
	config, err := pgxpool.ParseConfig(*db)
	if err != nil {
		log.Fatal(err)
	}
	config.MaxConns, config.MinConns = int32(*pool), int32(*pool)
	p, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		log.Fatal(err)
	}
	query := plain
	if *audit {
		query = audited
	}
	http.HandleFunc("/rows", func(w http.ResponseWriter, r *http.Request) {
		var body string
		err := p.QueryRow(r.Context(), query, r.URL.Query().Get("uscc")).Scan(&body)
		if errors.Is(err, pgx.ErrNoRows) {
			http.Error(w, "no such row", http.StatusNotFound)
			return
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	})
	log.Fatal(http.ListenAndServe(*listen, nil))
}
