// SPDX-License-Identifier: MulanPSL-2.0
// Reads /proc: the times of a process tree. Keeps true: a process is counted once, and one that ended between two
// readings is still in its parent's sum (cutime), so a difference never loses work that was done.
#include "procs.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct proc {
    int pid, parent;
    bool is_ours;
    unsigned long long ticks; // its own and those of children it waited for
};

bool procs_read(const char *text, struct procs *ret) {
    *ret = (struct procs){0};
    while (*text) {
        char *end;
        long v = strtol(text, &end, 10);
        if (end == text || v <= 0 || v > 1 << 22 || ret->n == PROCS_ROOTS_MAX) return false;
        if (*end != ',' && *end != 0) return false;
        ret->root[ret->n++] = (int)v;
        text = *end ? end + 1 : end;
    }
    return true;
}

static bool read_proc(const char *name, struct proc *ret) {
    char path[300], text[1024];
    snprintf(path, sizeof path, "/proc/%s/stat", name);
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f) fclose(f);
    text[n] = 0;
    // Counted behind the command's name, which may hold anything.
    const char *p = strrchr(text, ')');
    unsigned long long t[4] = {0};
    *ret = (struct proc){.pid = (int)strtol(name, NULL, 10)};
    if (!p || sscanf(p + 2, "%*s %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu %llu %llu", &ret->parent,
                     &t[0], &t[1], &t[2], &t[3]) != 5)
        return false;
    ret->ticks = t[0] + t[1] + t[2] + t[3];
    return true;
}

static bool is_of(const struct procs *p, const struct proc *all, int n, const struct proc *one) {
    for (int i = 0; i < p->n; i++)
        if (one->pid == p->root[i]) return true;
    for (int i = 0; i < n; i++)
        if (all[i].is_ours && all[i].pid == one->parent) return true;
    return false;
}

double procs_cpu_s(const struct procs *p) {
    struct proc *all = calloc(PROCS_MAX, sizeof *all);
    DIR *dir = opendir("/proc");
    unsigned long long sum = 0;
    int n = 0;
    for (struct dirent *d; all && dir && n < PROCS_MAX && (d = readdir(dir));)
        if (d->d_name[0] >= '1' && d->d_name[0] <= '9' && read_proc(d->d_name, &all[n])) n++;
    if (dir) closedir(dir);
    // A child may stand before its parent: as long as somebody new is found.
    for (bool is_new = n > 0; is_new;) {
        is_new = false;
        for (int i = 0; i < n; i++)
            if (!all[i].is_ours && is_of(p, all, n, &all[i])) all[i].is_ours = is_new = true;
    }
    for (int i = 0; i < n; i++)
        if (all[i].is_ours) sum += all[i].ticks;
    free(all);
    return n > 0 && n < PROCS_MAX ? (double)sum / (double)sysconf(_SC_CLK_TCK) : -1;
}
