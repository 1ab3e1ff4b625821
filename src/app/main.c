// SPDX-License-Identifier: MulanPSL-2.0
// The command line: one table of commands, one of options; both make `gusu help`. Wiring only.
#include "app/app.h"
#include "base/log.h"
#include "core/self.h"
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct server *running; // for the signal handler alone

static void on_signal(int sig) {
    if (running && sig == SIGHUP)
        server_reopen(running);
    else if (running)
        server_stop(running);
}

static int say(const struct err *e) {
    char mem_space[1];
    (void)mem_space;
    struct arena mem;
    arena_init(&mem, 0);
    struct str zh = err_text(&mem, e, true), en = err_text(&mem, e, false);
    fprintf(stderr, "gusu: %s%s%.*s / %.*s\n", e->field, e->field[0] ? ": " : "", STRF(zh), STRF(en));
    arena_free(&mem);
    return 1;
}

int command_serve(const struct options *o) {
    struct session s;
    struct err e = {0};
    int code = session_open(&s, o, &e);
    if (code == OK && o->pack && app_load(&s.cx, o->pack, o->demo, false) != 0) {
        session_close(&s);
        return 1;
    }
    if (code == OK) code = server_open(&s.city, o, &running, &e);
    if (code != OK) {
        session_close(&s);
        return say(&e);
    }
    struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGHUP, &act, NULL);
    if (!s.city.base_url[0])
        snprintf(s.city.base_url, sizeof s.city.base_url, "%s://%s:%d", o->tls ? "https" : "http",
                 strcmp(o->address, "127.0.0.1") == 0 || strcmp(o->address, "0.0.0.0") == 0 ? "localhost"
                                                                                            : o->address,
                 server_port(running));
    // The load's memory is not kept while serving: freed, and given back to the system.
    arena_free(&s.mem);
    malloc_trim(0);
    printf("gusu 姑苏  %s\n", s.city.base_url);
    fflush(stdout);
    server_run(running);
    struct server *done = running;
    bool is_lost = server_lost(done);
    running = NULL;
    server_close(done);
    session_close(&s);
    return is_lost ? 75 : 0; // EX_TEMPFAIL: whoever watches over us may start us again
}

// A city of its own, so that checking needs no data folder and touches none.
int command_check(const struct options *o) {
    struct options with = *o;
    const struct folder_before nothing = {0};
    char folder[] = "/tmp/gusu-check-XXXXXX";
    if (o->rest_n != 1) {
        fprintf(stderr, "gusu: check PACK\n");
        return 2;
    }
    with.data = mkdtemp(folder);
    if (!with.data) return 1;
    struct session s;
    struct err e = {0};
    int code = session_open(&s, &with, &e);
    int result = code == OK ? app_load(&s.cx, o->rest[0], o->demo, true) : say(&e);
    session_close(&s);
    folder_put_back(with.data, &nothing);
    return result;
}

// `gusu api`: the route table as people read it.
int command_api(const struct options *o) {
    struct err e = {0};
    (void)o;
    if (city_index_routes(&e) != OK) return say(&e);
    for (int i = 0; i < index_count(); i++) {
        const struct route *r = index_route(i);
        printf("%-6s %-58s %s / %s\n", r->verb, r->path, r->zh, r->en);
    }
    return 0;
}

static const struct command {
    const char *name;
    int (*run)(const struct options *o);
    const char *usage, *zh, *en;
} commands[] = {
    {"serve", command_serve, "--data DIR --port N [--pack PACK] [--demo] [--tls]", "启动服务",
     "start the server"},
    {"load", command_load, "PACK --data DIR [--demo]", "装载城市内容包", "load a city's pack"},
    {"check", command_check, "PACK", "检查内容包，指出文件与行", "check a pack, naming file and line"},
    {"verify", command_verify, "DIR | FILE.tlog-proof [--vkey KEY] [--checkpoint FILE]", "离线核验存证",
     "verify a ledger or a receipt offline"},
    {"ledger", command_ledger, "fsck [DIR] [--vkey KEY] [--checkpoint FILE]", "检查存证与存储，指出何处受损",
     "check ledger and store, naming what is damaged"},
    {"user", command_user, "LOGIN ROLE --data DIR", "建立首个管理员", "make a first administrator"},
    {"backup", command_backup, "--data DIR --to DIR [--with-keys] [--every 24h --keep 7]", "热备份",
     "back up a living city"},
    {"restore", command_restore, "BACKUP --data DIR [--keys DIR] [--erasures FILE]", "从备份恢复",
     "restore a backup into an empty folder"},
    {"key", command_key, "list|seal|unseal|rotate --data DIR", "签名密钥：列出、加封、轮换",
     "signing keys: list, seal, rotate"},
    {"witness", command_witness, "vkey|logs|add VKEY|remove ORIGIN|policy --data DIR", "见证哪些日志",
     "which logs this city witnesses"},
    {"migrate", command_migrate, "--from DIR|postgres://… --to DIR|postgres://…", "在存储引擎之间迁移",
     "move a city's store between engines"},
    {"bench", command_bench, "NAME", "性能测量", "measure"},
    {"api", command_api, "", "列出全部接口", "list all interfaces"},
};

static const struct option_row {
    const char *name;
    size_t at;
    bool is_flag;
    const char *zh, *en;
} option_rows[] = {
    {"--data", offsetof(struct options, data), false, "数据文件夹 (data)", "data folder"},
    {"--pack", offsetof(struct options, pack), false, "启动时装载的内容包", "pack to load at start"},
    {"--address", offsetof(struct options, address), false, "监听地址 (127.0.0.1)", "address to listen on"},
    {"--web", offsetof(struct options, web), false, "网页文件夹", "folder of the web page"},
    {"--store", offsetof(struct options, store), false, "postgres://… (数据文件夹中的 SQLite)",
     "postgres://… (SQLite in the data folder)"},
    {"--shared", offsetof(struct options, shared), false, "各节点共用的密钥与文件的文件夹 (数据文件夹)",
     "folder of keys and files that all nodes share (the data folder)"},
    {"--base-url", offsetof(struct options, base_url), false, "对外网址", "URL as users see it"},
    {"--origin", offsetof(struct options, origin), false, "存证日志名称", "origin of the ledger"},
    {"--access-log", offsetof(struct options, access_log), false,
     "访问日志：文件、- 或 off (DATA/access.log)", "access log: a file, - or off"},
    {"--demo", offsetof(struct options, demo), true, "建立演示账号", "make the demo accounts"},
    {"--tls", offsetof(struct options, tls), true, "HTTPS（首次自签证书）", "HTTPS (self-signed at first)"},
    {"--quiet", offsetof(struct options, quiet), true, "只记警告", "log warnings only"},
    {"--to", offsetof(struct options, to), false, "备份或迁移的去处", "where a backup, or a store, goes"},
    {"--from", offsetof(struct options, from), false, "从哪个库迁移", "the store that moves"},
    {"--with-keys", offsetof(struct options, with_keys), true, "连同密钥（口令加封）",
     "keys too, sealed under a passphrase"},
    {"--every", offsetof(struct options, every), false, "按计划备份的间隔 (24h; 0 = 取消)",
     "how often by itself (0 = no more)"},
    {"--keep", offsetof(struct options, keep), false, "保留份数 (7)", "how many backups are kept"},
    {"--may-continue", offsetof(struct options, may_continue), true, "见证人作证时沿用原日志名",
     "keep the log's name if its witnesses vouch"},
    {"--keys", offsetof(struct options, keys), false, "恢复时密钥所在文件夹",
     "folder of the keys, to restore"},
    {"--erasures", offsetof(struct options, erasures), false, "备份之后的删除记录",
     "erasures after the backup, to replay"},
};

static int help(void) {
    printf("gusu 姑苏: 城市数字底座 / a city's digital base\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        printf("  gusu %-7s %-52s %s / %s\n", commands[i].name, commands[i].usage, commands[i].zh,
               commands[i].en);
    printf("\n");
    for (size_t i = 0; i < sizeof option_rows / sizeof option_rows[0]; i++)
        printf("  %-12s %s / %s\n", option_rows[i].name, option_rows[i].zh, option_rows[i].en);
    printf("  %-12s %s\n  %-12s %s\n", "--port", "端口 (8080; 0 = 任一) / port", "--allow-upstream",
           "允许的内网上游 host:port，可多次 / an upstream inside the own network");
    return 0;
}

static int read_options(int argc, char **argv, struct options *o) {
    for (int i = 2; i < argc; i++) {
        const struct option_row *row = NULL;
        for (size_t k = 0; k < sizeof option_rows / sizeof option_rows[0]; k++)
            if (strcmp(argv[i], option_rows[k].name) == 0) row = &option_rows[k];
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        int64_t port;
        if (row && row->is_flag) {
            *(bool *)((char *)o + row->at) = true;
        } else if (row && value) {
            *(const char **)(void *)((char *)o + row->at) = value;
            i++;
        } else if (strcmp(argv[i], "--port") == 0 && value && str_int64(str_of(value), &port) && port >= 0 &&
                   port < 65536) {
            o->port = (int)port;
            i++;
        } else if (strcmp(argv[i], "--allow-upstream") == 0 && value && o->allow_n < APP_ALLOW_MAX) {
            o->allow[o->allow_n++] = str_of(value);
            i++;
        } else if ((strcmp(argv[1], "bench") == 0 || strcmp(argv[1], "verify") == 0 ||
                    strcmp(argv[1], "ledger") == 0 || argv[i][0] != '-') &&
                   o->rest_n < 16) {
            o->rest[o->rest_n++] = argv[i];
        } else {
            fprintf(stderr, "gusu: 不认识的选项 / unknown option: %s\n", argv[i]);
            return 2;
        }
    }
    return 0;
}

// The page lies beside the binary: build/gusu and build/web.
static const char *web_beside(const char *self, char *out, size_t n) {
    char path[512];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len <= 0)
        snprintf(path, sizeof path, "%s", self);
    else
        path[len] = 0;
    char *slash = strrchr(path, '/');
    if (slash) *slash = 0;
    snprintf(out, n, "%s/web", slash ? path : ".");
    return out;
}

int main(int argc, char **argv) {
    char web[600];
    umask(077); // what gusu writes is for its own account alone
    struct options o = {.data = "data", .port = 8080, .address = "127.0.0.1"};
    o.web = web_beside(argv[0], web, sizeof web);
    if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) return help();
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) != 0) continue;
        int bad = read_options(argc, argv, &o);
        if (bad) return bad;
        if (o.quiet) log_set_level(LOG_WARN);
        return commands[i].run(&o);
    }
    fprintf(stderr, "gusu: 不认识的命令 / unknown command: %s (gusu help)\n", argv[1]);
    return 2;
}
