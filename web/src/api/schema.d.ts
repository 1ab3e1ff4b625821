// SPDX-License-Identifier: MulanPSL-2.0
// Generated from /api/openapi.json by tools/gen-api.mjs; never edited by hand.
export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Acts: {
            items: {
                id: number;
                time_ms: number;
                actor: number;
                actor_name: string;
                actor_office?: string | null;
                verb: string;
                object_kind: string;
                object: string;
                object_name?: string | null;
                office?: string | null;
                trace?: string | null;
                detail: unknown;
                entry: number;
                peer?: string | null;
            }[];
            next?: string | null;
        };
        Application: {
            id: string;
            title: string;
            office: string;
            office_name: string;
            matter: string;
            matter_zh: string;
            matter_en: string;
            matter_name: string;
            state: string;
            lines_n: number;
            datasets: {
                id: string;
                title_zh: string;
                title_en: string;
            }[];
            created_ms: number;
            changed_ms: number;
            due_ms?: number | null;
            light: string;
            step?: string | null;
            step_zh?: string | null;
            step_en?: string | null;
            certain?: boolean | null;
            version: number;
            office_asked?: string | null;
            office_asked_name?: string | null;
            by_name?: string | null;
            legal_basis: string;
            purpose: string;
            system: string;
            system_name: string;
            period_days: number;
            quota_per_day: number;
            need_by?: string | null;
            lines: {
                n: number;
                dataset: string;
                title_zh: string;
                title_en: string;
                resource?: string | null;
                columns: {
                    id: string;
                    zh: string;
                    en: string;
                    grade?: string | null;
                    share?: number | null;
                    mask?: string | null;
                }[];
                filter: {
                    column: string;
                    op: "eq" | "in" | "gte" | "lte" | "prefix";
                    value?: unknown;
                    values?: string[] | null;
                }[];
                provider: string;
                provider_name: string;
                state: string;
                consent?: boolean | null;
                quota_per_day?: number | null;
                rate_per_s?: number | null;
                reason?: string | null;
                condition?: string | null;
                grant?: number | null;
            }[];
            steps: {
                n: number;
                line?: number | null;
                step: string;
                step_zh: string;
                step_en: string;
                office: string;
                office_name: string;
                role: string;
                state: string;
                opened_ms: number;
                by?: number | null;
                by_name?: string | null;
                at_ms?: number | null;
                due_ms?: number | null;
                certain: boolean;
                extended_wd?: number | null;
                light: string;
                reason?: string | null;
                entry?: number | null;
            }[];
            may: string[];
            entry?: number | null;
        };
        ApplicationList: {
            items: {
                id: string;
                title: string;
                office: string;
                office_name: string;
                matter: string;
                matter_zh: string;
                matter_en: string;
                matter_name: string;
                state: string;
                lines_n: number;
                datasets: {
                    id: string;
                    title_zh: string;
                    title_en: string;
                }[];
                created_ms: number;
                changed_ms: number;
                due_ms?: number | null;
                light: string;
                step?: string | null;
                step_zh?: string | null;
                step_en?: string | null;
                certain?: boolean | null;
                version: number;
            }[];
            next?: string | null;
        };
        Backups: {
            last_ms?: number | null;
            is_late: boolean;
            plan?: {
                place: string;
                every_s: number;
                keep: number;
            } | null;
            items: {
                id: number;
                made_ms: number;
                took_ms: number;
                place: string;
                bytes: number;
                files: number;
                entries: number;
                wal_bytes: number;
                digest?: string | null;
                problem?: string | null;
            }[];
        };
        CallList: {
            items: {
                trace: string;
                time_ms: number;
                key: number;
                kind?: string | null;
                system?: string | null;
                matter?: string | null;
                case_no?: string | null;
                operator?: string | null;
                rows: number;
                bytes: number;
                fields?: string | null;
                status: number;
                entry: number;
            }[];
            next?: string | null;
        };
        Cart: {
            items: {
                dataset: string;
                title_zh: string;
                title_en: string;
                office: string;
                office_name: string;
                share: number;
                columns: string[];
            }[];
            entry?: number | null;
        };
        CatalogFigures: {
            owed: number;
            compiled: number;
            completeness?: number | null;
            published: number;
            attached: number;
            attach_rate?: number | null;
            open: number;
            open_conditional: number;
            by_office: {
                office: string;
                office_name: string;
                owed: number;
                compiled: number;
                published: number;
                attached: number;
            }[];
            missing: {
                duty: string;
                office: string;
                office_name: string;
                title_zh: string;
                title_en: string;
                basis: string;
                dataset: string;
                due: string;
                due_ms: number;
                light: string;
            }[];
            unattached: {
                dataset: string;
                office: string;
                office_name: string;
                title_zh: string;
                title_en: string;
            }[];
        };
        ClassList: {
            items: {
                code: string;
                zh: string;
                en: string;
                parent: string;
            }[];
        };
        ClockList: {
            items: {
                step: string;
                zh: string;
                en: string;
                limit_wd?: number | null;
                extend_wd?: number | null;
                article?: string | null;
                note?: string | null;
            }[];
        };
        CodeList: {
            id: string;
            version: string;
            title_zh: string;
            title_en: string;
            source: string;
            licence: string;
            items_n?: number | null;
            versions?: string[] | null;
            items?: {
                code: string;
                zh: string;
                en: string;
                parent: string;
            }[] | null;
        };
        CodeListList: {
            items: {
                id: string;
                version: string;
                title_zh: string;
                title_en: string;
                source: string;
                licence: string;
                items_n?: number | null;
                versions?: string[] | null;
                items?: {
                    code: string;
                    zh: string;
                    en: string;
                    parent: string;
                }[] | null;
            }[];
        };
        Dataset: {
            id: string;
            title_zh: string;
            title_en?: string | null;
            abstract_zh?: string | null;
            abstract_en?: string | null;
            office?: string | null;
            keywords?: string[] | null;
            share_condition_zh?: string | null;
            share_condition_en?: string | null;
            share_scope?: string | null;
            share_law?: string | null;
            open?: "open" | "conditional" | "none" | null;
            open_condition_zh?: string | null;
            open_condition_en?: string | null;
            grade?: "L1" | "L2" | "L3" | "L4" | null;
            cycle?: string | null;
            modes?: string[] | null;
            subject?: string | null;
            area_column?: string | null;
            source_zh?: string | null;
            source_en?: string | null;
            source_date?: string | null;
            licence?: string | null;
            synthetic?: boolean | null;
            seed?: number | null;
            share: number;
            office_name: string;
            state: string;
            version: number;
            rows: number;
            published_ms: number;
            updated_ms: number;
            data_ms: number;
            next_update_ms?: number | null;
            stale: boolean;
            score?: number | null;
            edition: number;
            live: boolean;
            personal: boolean;
            verify_only: boolean;
            class_codes: {
                code: string;
                zh: string;
                en: string;
            }[];
            spatial?: unknown;
            columns: {
                id: string;
                zh: string;
                en?: string | null;
                type: string;
                length?: number | null;
                key?: boolean | null;
                area?: boolean | null;
                grade?: string | null;
                grade_reason?: string | null;
                element?: string | null;
                element_role?: string | null;
                code_list?: string | null;
                share?: number | null;
                open?: "open" | "conditional" | "none" | null;
                office?: string | null;
                mask: string;
                personal: boolean;
                in_table: boolean;
                office_name?: string | null;
            }[];
            resources: {
                id: string;
                kind: string;
                title_zh: string;
                title_en: string;
                state: string;
                format: string;
                rows: number;
                bytes: number;
                sm3: string;
                file_name: string;
                tested_ms: number;
                loaded_ms: number;
                test_ok: boolean;
                verify_only: boolean;
                upstream?: string | null;
                test_note?: string | null;
            }[];
            quality?: {
                score?: number | null;
                completeness?: number | null;
                validity?: number | null;
                freshness?: number | null;
                uniqueness?: number | null;
                checks: {
                    id: string;
                    zh: string;
                    en: string;
                    column: string;
                    total: number;
                    bad: number;
                }[];
                measured_ms: number;
            } | null;
            steps?: {
                step: string;
                step_zh: string;
                step_en: string;
                state: string;
                by: number;
                by_name: string;
                office: string;
                office_name: string;
                at_ms: number;
                due_ms: number;
                certain: boolean;
                reason: string;
                light: string;
            }[] | null;
            history: {
                version: number;
                edition: number;
                at_ms: number;
                by?: string | null;
                verb: string;
                entry: number;
            }[];
            related: {
                id: string;
                title_zh: string;
                title_en: string;
            }[];
            notices: {
                key: string;
                zh: string;
                en: string;
                n?: number | null;
            }[];
            may?: string[] | null;
        };
        DatasetList: {
            items: {
                id: string;
                title_zh: string;
                title_en: string;
                abstract_zh: string;
                abstract_en: string;
                office: string;
                share: number;
                open: string;
                grade: string;
                cycle: string;
                subject: string;
                modes: string[];
                synthetic: boolean;
                work_state?: string | null;
                resources_n: number;
                kinds: string[];
                office_name: string;
                state: string;
                version: number;
                rows: number;
                published_ms: number;
                updated_ms: number;
                data_ms: number;
                next_update_ms?: number | null;
                stale: boolean;
                score?: number | null;
            }[];
            next?: string | null;
            total: number;
            facets: {
                office: {
                    key: string;
                    zh: string;
                    en: string;
                    n?: number | null;
                }[];
                class: {
                    key: string;
                    zh: string;
                    en: string;
                    n?: number | null;
                }[];
                share: {
                    key: string;
                    zh: string;
                    en: string;
                    n?: number | null;
                }[];
                open: {
                    key: string;
                    zh: string;
                    en: string;
                    n?: number | null;
                }[];
                grade: {
                    key: string;
                    zh: string;
                    en: string;
                    n?: number | null;
                }[];
                cycle: {
                    key: string;
                    zh: string;
                    en: string;
                    n?: number | null;
                }[];
                subject: {
                    key: string;
                    zh: string;
                    en: string;
                    n?: number | null;
                }[];
                state: {
                    key: string;
                    zh: string;
                    en: string;
                    n?: number | null;
                }[];
                resource: {
                    key: string;
                    zh: string;
                    en: string;
                    n?: number | null;
                }[];
            };
        };
        DatasetWritten: {
            id: string;
            state: string;
            version: number;
            edition: number;
            entry?: number | null;
        };
        Done: {
            entry?: number | null;
        };
        Element: {
            id: string;
            zh: string;
            en: string;
            subject: string;
            type: string;
            length: number;
            check: string;
            code_list: string;
            grade: string;
            mask: string;
            aliases: string[];
            std: string;
            note: string;
        };
        ElementList: {
            items: {
                id: string;
                zh: string;
                en: string;
                subject: string;
                type: string;
                length: number;
                check: string;
                code_list: string;
                grade: string;
                mask: string;
                aliases: string[];
                std: string;
                note: string;
            }[];
        };
        Errors: {
            items: {
                code: string;
                status: number;
                zh: string;
                en: string;
            }[];
        };
        ExchangeBatch: {
            items: {
                id?: string | null;
                status: number;
                entry?: number | null;
                items?: unknown[] | null;
                next?: string | null;
                match?: boolean | null;
                result?: string | null;
                trace?: string | null;
                problem?: unknown;
            }[];
            answered: number;
            refused: number;
            trace: string;
        };
        ExchangeRows: {
            items: unknown[];
            next?: string | null;
            trace: string;
            entry: number;
        };
        ExchangeVerify: {
            match: boolean;
            result: string;
            trace: string;
            entry: number;
        };
        FileUploaded: {
            id: string;
            sm3: string;
            bytes: number;
            same: boolean;
        };
        Grant: {
            id: number;
            application: string;
            line: number;
            dataset: string;
            title_zh: string;
            title_en: string;
            office: string;
            office_name: string;
            provider: string;
            provider_name: string;
            system: string;
            system_name: string;
            matter: string;
            matter_name: string;
            resource?: string | null;
            columns: {
                id: string;
                zh: string;
                en: string;
                grade?: string | null;
                share?: number | null;
                mask?: string | null;
            }[];
            filter: {
                column: string;
                op: "eq" | "in" | "gte" | "lte" | "prefix";
                value?: unknown;
                values?: string[] | null;
            }[];
            verify_only: boolean;
            quota_per_day: number;
            rate_per_s: number;
            used_today: number;
            used_total: number;
            valid_from_ms: number;
            valid_to_ms: number;
            state: string;
            reason?: string | null;
            keys: {
                id: number;
                prefix: string;
                made_ms: number;
                last_ms?: number | null;
                ended_ms?: number | null;
                state: string;
            }[];
            may: string[];
            version: number;
            entry?: number | null;
        };
        GrantList: {
            items: {
                id: number;
                application: string;
                line: number;
                dataset: string;
                title_zh: string;
                title_en: string;
                office: string;
                office_name: string;
                provider: string;
                provider_name: string;
                system: string;
                system_name: string;
                matter: string;
                matter_name: string;
                resource?: string | null;
                columns: {
                    id: string;
                    zh: string;
                    en: string;
                    grade?: string | null;
                    share?: number | null;
                    mask?: string | null;
                }[];
                filter: {
                    column: string;
                    op: "eq" | "in" | "gte" | "lte" | "prefix";
                    value?: unknown;
                    values?: string[] | null;
                }[];
                verify_only: boolean;
                quota_per_day: number;
                rate_per_s: number;
                used_today: number;
                used_total: number;
                valid_from_ms: number;
                valid_to_ms: number;
                state: string;
                reason?: string | null;
                keys: {
                    id: number;
                    prefix: string;
                    made_ms: number;
                    last_ms?: number | null;
                    ended_ms?: number | null;
                    state: string;
                }[];
                may: string[];
                version: number;
                entry?: number | null;
            }[];
            next?: string | null;
        };
        Health: {
            ok: boolean;
            queue: number;
            time_ms: number;
        };
        KeyMade: {
            id: number;
            key: string;
            entry?: number | null;
        };
        Load: {
            load: number;
            dataset: string;
            resource: string;
            name: string;
            state: string;
            format: string;
            encoding: string;
            separator: string;
            sheet: string;
            sheets: string[];
            digest: string;
            bytes: number;
            header_row: number;
            rows: number;
            mapping?: unknown;
            mode?: string | null;
            same: boolean;
            good_n: number;
            bad_n: number;
            duplicate_n: number;
            progress: number;
            reasons: {
                code: string;
                zh: string;
                en: string;
                column?: string | null;
                n: number;
            }[];
            created_ms: number;
            changed_ms: number;
            by_name?: string | null;
            columns: {
                n: number;
                header: string;
                column?: string | null;
                how?: string | null;
                type_seen?: string | null;
                unit?: string | null;
                empty_n: number;
                chars_max: number;
                sample: string[];
            }[];
            same_as?: number | null;
        };
        LoadBadRows: {
            items: {
                row: number;
                column?: string | null;
                value: string;
                code: string;
                title_zh: string;
                title_en: string;
            }[];
            next?: string | null;
            total: number;
        };
        LoadCommitted: {
            load: number;
            state: string;
            rows: number;
            good_n: number;
            bad_n: number;
            same: boolean;
            entry?: number | null;
        };
        LoadDropped: {
            load: number;
            state: string;
            entry?: number | null;
        };
        Loads: {
            items: {
                load: number;
                dataset: string;
                resource: string;
                name: string;
                state: string;
                format: string;
                encoding: string;
                separator: string;
                sheet: string;
                sheets: string[];
                digest: string;
                bytes: number;
                header_row: number;
                rows: number;
                mapping?: unknown;
                mode?: string | null;
                same: boolean;
                good_n: number;
                bad_n: number;
                duplicate_n: number;
                progress: number;
                reasons: {
                    code: string;
                    zh: string;
                    en: string;
                    column?: string | null;
                    n: number;
                }[];
                created_ms: number;
                changed_ms: number;
                by_name?: string | null;
            }[];
            next?: string | null;
        };
        MatterList: {
            items: {
                id: string;
                zh: string;
                en: string;
                target: string;
                office: string;
                office_name: string;
                note: string;
            }[];
        };
        Meter: {
            items: {
                key: string;
                day?: string | null;
                dataset?: string | null;
                title_zh?: string | null;
                title_en?: string | null;
                office?: string | null;
                office_name?: string | null;
                calls: number;
                rows: number;
                bytes: number;
            }[];
        };
        PortalFigures: {
            owed: number;
            compiled: number;
            completeness?: number | null;
            published: number;
            attached: number;
            attach_rate?: number | null;
            open: number;
            open_conditional: number;
            rows: number;
            offices: number;
        };
        Preview: {
            dataset: string;
            synthetic: boolean;
            columns: {
                id: string;
                zh: string;
                en: string;
                type: string;
                masked: boolean;
            }[];
            masked: boolean;
            items: unknown;
            next?: string | null;
            withheld?: string | null;
            total: number;
            entry?: number | null;
        };
        Problem: {
            type: string;
            title: string;
            status: number;
            code: string;
            title_zh: string;
            title_en: string;
            field?: string | null;
            row?: number | null;
            errors?: {
                code: string;
                title_zh: string;
                title_en: string;
                field?: string | null;
                row?: number | null;
            }[] | null;
        };
        ResourceAdded: {
            id: string;
            version: number;
            entry?: number | null;
        };
        ResourceEdited: {
            id: string;
            version: number;
            entry?: number | null;
        };
        ResourceList: {
            resources: {
                id: string;
                kind: string;
                title_zh: string;
                title_en: string;
                state: string;
                format: string;
                rows: number;
                bytes: number;
                sm3: string;
                file_name: string;
                tested_ms: number;
                loaded_ms: number;
                test_ok: boolean;
                verify_only: boolean;
                upstream?: string | null;
                test_note?: string | null;
            }[];
        };
        ResourceTested: {
            test_ok: boolean;
            test_note: string;
            tested_ms: number;
        };
        Todo: {
            items: {
                kind: string;
                id: string;
                title: string;
                title_zh: string;
                title_en: string;
                step: string;
                step_zh: string;
                step_en: string;
                line?: number | null;
                due_ms?: number | null;
                certain: boolean;
                light: string;
                link: string;
            }[];
            counts: {
                todo: number;
                overdue: number;
                soon: number;
            };
        };
        Trace: {
            id: string;
            asked: string;
            application: string;
            dataset?: string | null;
            nodes: {
                kind: string;
                id: string;
                title_zh: string;
                title_en: string;
                at_ms?: number | null;
                due_ms?: number | null;
                by?: string | null;
                office?: string | null;
                office_name?: string | null;
                state?: string | null;
                light?: string | null;
                reason?: string | null;
                link?: string | null;
                entry?: number | null;
            }[];
            edges: {
                from: string;
                to: string;
            }[];
            calls: {
                n: number;
                rows: number;
                first_ms?: number | null;
                last_ms?: number | null;
                by_day: {
                    day: string;
                    n: number;
                    rows: number;
                }[];
            };
        };
        account_list: {
            items: {
                id: number;
                login: string;
                name: string;
                office?: string | null;
                office_name?: string | null;
                area?: string | null;
                roles: string[];
                state: string;
                locked_until_ms?: number | null;
                last_seen_ms?: number | null;
                must_change: boolean;
                synthetic: boolean;
                version: number;
            }[];
            next?: string | null;
        };
        account_secret: {
            id: number;
            password: string;
            entry?: number | null;
        };
        account_version: {
            version: number;
            entry?: number | null;
        };
        area: {
            code: string;
            name: string;
            level: number;
            parent?: string | null;
            kind: string;
            vintage: string;
            valid_from?: string | null;
            valid_to?: string | null;
            is_admin: boolean;
            note?: string | null;
            children_n: number;
            aliases: string[];
            asked?: string | null;
            alias_list: {
                code: string;
                kind: string;
            }[];
            path: {
                code: string;
                name: string;
            }[];
            counts: {
                level: number;
                kind: string;
                n: number;
            }[];
            namesakes_n?: number | null;
        };
        area_list: {
            items: {
                code: string;
                name: string;
                level: number;
                parent?: string | null;
                kind: string;
                vintage: string;
                valid_from?: string | null;
                valid_to?: string | null;
                is_admin: boolean;
                note?: string | null;
                children_n: number;
                aliases: string[];
            }[];
            next?: string | null;
        };
        ledger: {
            origin: string;
            size: number;
            root_sha256: string;
            root_sm3: string;
            last_entry_ms: number;
            signed_size: number;
            checkpoint_ms: number;
            checkpoint: string;
            sm3_checkpoint: string;
            vkey: string;
            sm3_vkey: string;
            witnessed_size: number;
            witnessed_ms?: number | null;
            is_behind: boolean;
            quorum?: string | null;
            witnesses: {
                label: string;
                name: string;
                size: number;
                told_ms?: number | null;
                failures: number;
                problem?: string | null;
            }[];
        };
        ledger_audit: {
            is_running: boolean;
            started_ms: number;
            at: number;
            size: number;
            done_ms: number;
            done_size: number;
            done_faults: number;
            alarm_ms: number;
            alarm_n: number;
            faults?: {
                what: string;
                index: number;
                where: string;
            }[] | null;
            may_clear?: boolean | null;
        };
        ledger_blocks: {
            total: number;
            items: {
                n: number;
                from: number;
                count: number;
                is_full: boolean;
                is_signed: boolean;
                first_ms: number;
                last_ms: number;
                clear: number;
                erased: number;
                hash_sha256: string;
                hash_sm3: string;
                kinds: {
                    kind: string;
                    n: number;
                }[];
            }[];
            next?: string | null;
        };
        ledger_checkpoints: {
            items: {
                size: number;
                made_ms: number;
            }[];
        };
        ledger_entries: {
            items: {
                index: number;
                kind: string;
                time_ms: number;
                clear?: unknown;
                leaf_sha256: string;
            }[];
            next?: string | null;
            seen_from?: number | null;
        };
        ledger_entry: {
            index: number;
            kind: string;
            time_ms: number;
            clear?: unknown;
            leaf: string;
            leaf_sha256: string;
            leaf_sm3: string;
            commitment_sha256: string;
            commitment_sm3: string;
            is_signed: boolean;
            is_witnessed: boolean;
            is_erased: boolean;
            detail?: unknown;
            detail_text?: string | null;
            salt?: string | null;
            trace?: string | null;
        };
        ledger_erasure: {
            id: number;
            state: "asked" | "approved" | "done" | "dropped";
            reason: string;
            law: string;
            entries: unknown;
            done: number;
            asked_name: string;
            asked_office?: string | null;
            asked_ms: number;
            approved_name?: string | null;
            approved_ms?: number | null;
            may_approve: boolean;
            may_drop: boolean;
        };
        ledger_erasures: {
            items: {
                id: number;
                state: "asked" | "approved" | "done" | "dropped";
                reason: string;
                law: string;
                entries: unknown;
                done: number;
                asked_name: string;
                asked_office?: string | null;
                asked_ms: number;
                approved_name?: string | null;
                approved_ms?: number | null;
                may_approve: boolean;
                may_drop: boolean;
            }[];
            next?: string | null;
        };
        ledger_found: {
            items: {
                index: number;
                kind: string;
                time_ms: number;
                clear?: unknown;
                leaf_sha256: string;
                why: string;
                object_kind?: string | null;
                object?: string | null;
                object_name?: string | null;
                office?: string | null;
                trace?: string | null;
            }[];
            next?: string | null;
            seen_from?: number | null;
            seen_to?: number | null;
        };
        ledger_keys: {
            items: {
                tree: string;
                vkey: string;
                from_size: number;
                to_size?: number | null;
                made_ms: number;
                in_force: boolean;
            }[];
        };
        ledger_proof: {
            index: number;
            size: number;
            tree: string;
            leaf: string;
            leaf_sha256?: string | null;
            leaf_sm3?: string | null;
            proof: string[];
            root: string;
            checkpoint: string;
        };
        login_reply: {
            account: {
                id: number;
                login: string;
                name: string;
                office?: string | null;
                office_name?: string | null;
                area?: string | null;
                roles: string[];
                state: string;
                locked_until_ms?: number | null;
                last_seen_ms?: number | null;
                must_change: boolean;
                synthetic: boolean;
                version: number;
            };
            csrf: string;
            expires_ms: number;
        };
        me: {
            account?: {
                id: number;
                login: string;
                name: string;
                office?: string | null;
                office_name?: string | null;
                area?: string | null;
                roles: string[];
                state: string;
                locked_until_ms?: number | null;
                last_seen_ms?: number | null;
                must_change: boolean;
                synthetic: boolean;
                version: number;
            } | null;
            csrf?: string | null;
            demo: boolean;
            city?: {
                code: string;
                title_zh: string;
                title_en: string;
                pack: string;
            } | null;
            now_ms: number;
            workday_warning?: {
                last_year: number;
            } | null;
            notices: {
                key: string;
                zh: string;
                en: string;
            }[];
            words: {
                key: string;
                zh: string;
                en: string;
            }[];
        };
        office: {
            id: string;
            name: string;
            name_en: string;
            short: string;
            uscc?: string | null;
            kind: string;
            level: number;
            area: string;
            parent?: string | null;
            parent_name?: string | null;
            line?: string | null;
            line_name?: string | null;
            valid_from?: string | null;
            valid_to?: string | null;
            successor?: string | null;
            roles: string[];
            note?: string | null;
            version: number;
            predecessors: {
                id: string;
                name: string;
                valid_to?: string | null;
            }[];
            history: {
                office: string;
                name: string;
                valid_from?: string | null;
                valid_to?: string | null;
            }[];
            accounts_n?: number | null;
            succession?: {
                successor: string;
                successor_name: string;
                date: string;
                basis: string;
                state: string;
                asked_by: number;
                asked_by_name?: string | null;
                asked_ms: number;
                confirmed_by?: number | null;
                confirmed_by_name?: string | null;
                confirmed_ms?: number | null;
                applied_ms?: number | null;
                may_confirm: boolean;
            } | null;
        };
        office_list: {
            items: {
                id: string;
                name: string;
                name_en: string;
                short: string;
                uscc?: string | null;
                kind: string;
                level: number;
                area: string;
                parent?: string | null;
                parent_name?: string | null;
                line?: string | null;
                line_name?: string | null;
                valid_from?: string | null;
                valid_to?: string | null;
                successor?: string | null;
                roles: string[];
                note?: string | null;
                version: number;
            }[];
            next?: string | null;
        };
        people_done: {
            ok: boolean;
            entry?: number | null;
        };
        people_state: {
            state: string;
            entry?: number | null;
        };
        policy: {
            name: string;
            value: number;
            standard?: number | null;
            min?: number | null;
            max?: number | null;
            zh?: string | null;
            en?: string | null;
            entry?: number | null;
        };
        policy_list: {
            items: {
                name: string;
                value: number;
                standard?: number | null;
                min?: number | null;
                max?: number | null;
                zh?: string | null;
                en?: string | null;
                entry?: number | null;
            }[];
        };
        role_list: {
            items: {
                role: string;
                zh: string;
                en: string;
                conflicts: string[];
            }[];
        };
        system_list: {
            items: {
                id: string;
                name: string;
                office: string;
                office_name?: string | null;
                state: string;
                version: number;
            }[];
            next?: string | null;
        };
        token_list: {
            items: {
                id: number;
                name: string;
                scopes: string[];
                ends_ms: number;
                last_seen_ms?: number | null;
                made_ms: number;
                ended: boolean;
            }[];
        };
        token_made: {
            id: number;
            token: string;
            entry?: number | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
