// SPDX-License-Identifier: MulanPSL-2.0
// Check characters of the national identifiers. The builder makes valid ones from place digits that no
// division has, so that no real person or firm can carry them; the tests use the same rules to find the
// seeded wrong ones.

const USCC_CHARS = '0123456789ABCDEFGHJKLMNPQRTUWXY'; // GB 32100: no I O S V Z
const USCC_WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
const ORG_WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2]; // GB 11714, the organisation code inside characters 9–17
const RID_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]; // GB 11643

// GB 32100: mod 31 over the first 17 characters.
export function usccCheck(first17) {
    let sum = 0;
    for (let i = 0; i < 17; i++) {
        const value = USCC_CHARS.indexOf(first17[i]);
        if (value < 0) throw new Error(`'${first17[i]}' is no character of a credit code`);
        sum += value * USCC_WEIGHTS[i];
    }
    return USCC_CHARS[(31 - (sum % 31)) % 31];
}
export const usccOk = s =>
    s.length === 18 && [...s].every(c => USCC_CHARS.includes(c)) && usccCheck(s.slice(0, 17)) === s[17];

// GB 11714: mod 11; letters count 10 (A) to 35 (Z).
export function orgCheck(first8) {
    let sum = 0;
    for (let i = 0; i < 8; i++) sum += parseInt(first8[i], 36) * ORG_WEIGHTS[i];
    const c = 11 - (sum % 11);
    return c === 10 ? 'X' : c === 11 ? '0' : String(c);
}

// kind: two characters (registration department, kind of institution); place: six digits; serial: a number
export function usccMake(kind, place, serial) {
    let rest = serial;
    let body = '';
    for (let i = 0; i < 6; i++) {
        body = USCC_CHARS[rest % 31] + body;
        rest = Math.floor(rest / 31);
    }
    const org = 'MA' + body;
    const first17 = kind + place + org + orgCheck(org);
    return first17 + usccCheck(first17);
}
// A check character that is surely wrong.
export const usccSpoil = s => s.slice(0, 17) + USCC_CHARS[(USCC_CHARS.indexOf(s[17]) + 1) % 31];

export function ridCheck(first17) {
    let sum = 0;
    for (let i = 0; i < 17; i++) sum += Number(first17[i]) * RID_WEIGHTS[i];
    return '10X98765432'[sum % 11];
}
export const ridOk = s => /^\d{17}[\dX]$/.test(s) && ridCheck(s.slice(0, 17)) === s[17];
// serial: odd for men, even for women (GB 11643)
export function ridMake(place, yyyymmdd, serial) {
    const first17 = place + yyyymmdd + String(serial).padStart(3, '0');
    return first17 + ridCheck(first17);
}
