// SPDX-License-Identifier: MulanPSL-2.0
// Judges addresses, never names: whatever a name resolves to at the moment of connecting is what is judged,
// so a name that changes its mind (DNS rebinding) gains nothing, and neither does any spelling of a number.
// Source of the ranges: the IANA special-purpose address registries (RFC 6890 and its updates).
#include "net/fetch_judge.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const struct {
    uint32_t base;
    int bits;
} closed4[] = {
#define NET4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
    {NET4(0, 0, 0, 0), 8},       // this network
    {NET4(10, 0, 0, 0), 8},      // private
    {NET4(100, 64, 0, 0), 10},   // carrier NAT; also the metadata addresses of some clouds
    {NET4(127, 0, 0, 0), 8},     // loopback
    {NET4(169, 254, 0, 0), 16},  // link-local, 169.254.169.254
    {NET4(172, 16, 0, 0), 12},   // private
    {NET4(192, 0, 0, 0), 24},    // protocol assignments
    {NET4(192, 0, 2, 0), 24},    // documentation
    {NET4(192, 88, 99, 0), 24},  // 6to4 relays
    {NET4(192, 168, 0, 0), 16},  // private
    {NET4(198, 18, 0, 0), 15},   // benchmarks
    {NET4(198, 51, 100, 0), 24}, // documentation
    {NET4(203, 0, 113, 0), 24},  // documentation
    {NET4(224, 0, 0, 0), 4},     // multicast
    {NET4(240, 0, 0, 0), 4},     // reserved, broadcast
#undef NET4
};

static bool public4(uint32_t a) {
    for (size_t i = 0; i < sizeof closed4 / sizeof closed4[0]; i++)
        if ((a ^ closed4[i].base) >> (32 - closed4[i].bits) == 0) return false;
    return true;
}

static uint32_t inner4(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool public6(const uint8_t a[16]) {
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    // An IPv4 address in IPv6 clothes is judged as what it is.
    if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0) return public4(inner4(a + 12));
    if ((a[0] & 0xe0) != 0x20)
        return false; // only 2000::/3 is global unicast: no loopback, ULA, link-local, multicast
    if (a[0] == 0x20 && a[1] == 0x01 && a[2] < 2) return false; // 2001::/23: Teredo, ORCHID …
    if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0d && a[3] == 0xb8) return false; // documentation
    if (a[0] == 0x20 && a[1] == 0x02) return public4(inner4(a + 2));                // 6to4
    return !(a[0] == 0x3f && a[1] == 0xff && (a[2] & 0xf0) == 0);                   // documentation, RFC 9637
}

bool fetch_address_public(const struct sockaddr *a) {
    if (a->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, a, sizeof in);
        return public4(ntohl(in.sin_addr.s_addr));
    }
    if (a->sa_family != AF_INET6) return false;
    struct sockaddr_in6 in6;
    memcpy(&in6, a, sizeof in6);
    return public6(in6.sin6_addr.s6_addr);
}

// The bytes of an address, mapped ones as IPv4; their number, 0 for another family.
static size_t address_bytes(const struct sockaddr *a, uint8_t out[16]) {
    if (a->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, a, sizeof in);
        memcpy(out, &in.sin_addr, 4);
        return 4;
    }
    if (a->sa_family != AF_INET6) return 0;
    struct sockaddr_in6 in6;
    memcpy(&in6, a, sizeof in6);
    bool is_mapped = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
    memcpy(out, in6.sin6_addr.s6_addr + (is_mapped ? 12 : 0), is_mapped ? 4 : 16);
    return is_mapped ? 4 : 16;
}

static bool is_near(const struct ifaddrs *f, const uint8_t *a, size_t n) {
    uint8_t own[16], mask[16];
    if (f->ifa_addr == NULL || address_bytes(f->ifa_addr, own) != n) return false;
    bool has_mask = f->ifa_netmask && address_bytes(f->ifa_netmask, mask) == n && mask[0];
    for (size_t i = 0; i < n; i++)
        if ((own[i] ^ a[i]) & (has_mask ? mask[i] : 0xff)) return false;
    return true;
}

bool fetch_address_ok(const struct sockaddr *a) {
    if (!fetch_address_public(a)) return false;
    // A host with public addresses has neighbours with public addresses; those are its own network too.
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) < 0) return false;
    uint8_t bytes[16];
    size_t n = address_bytes(a, bytes);
    bool ok = n > 0;
    for (const struct ifaddrs *f = all; f && ok; f = f->ifa_next)
        ok = !is_near(f, bytes, n);
    freeifaddrs(all);
    return ok;
}
