// SPDX-License-Identifier: MulanPSL-2.0
// Civil days without the machine's clock or zone: a day is a number since 1970-01-01.

export const dayOf = text =>
    Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)) - 1, Number(text.slice(8, 10))) / 86400000;
export const dayText = day => new Date(day * 86400000).toISOString().slice(0, 10);
export const daysOfYears = years => Math.round(years * 365.25);
// The moment of a day in China's zone, to the second.
export const moment = (day, second) => {
    const two = n => String(n).padStart(2, '0');
    const [h, m, s] = [Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60];
    return `${dayText(day)}T${two(h)}:${two(m)}:${two(s)}+08:00`;
};
// "202609" plus n months.
export const addMonths = (period, n) => {
    const m = Number(period.slice(0, 4)) * 12 + Number(period.slice(4)) - 1 + n;
    return String(Math.floor(m / 12)) + String((m % 12) + 1).padStart(2, '0');
};
export const firstDay = period => dayOf(`${period.slice(0, 4)}-${period.slice(4)}-01`);
