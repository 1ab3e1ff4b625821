// SPDX-License-Identifier: MulanPSL-2.0
// Names that nobody can take for real: every firm carries 样例, every person the surname 样, which no register
// of surnames lists as a common one, followed by two cyclical characters (heavenly stems, earthly branches).

const STEMS = [...'甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥'];
const WORDS = [
    ...'安邦昌诚达德丰福冠光广海恒宏华汇佳嘉建金锦聚凯康利隆美明宁鹏启庆荣瑞润盛顺泰腾天通同万维祥信兴旭易益永优裕元远泽正智中卓',
];
// [section of GB/T 4754, weight, trades]. The weights only make the sample varied; they are no statistic of
// the city.
const TRADES = [
    ['A', 2, ['农业', '水产养殖', '园艺']],
    ['B', 1, ['石材']],
    ['C', 34, ['机械', '电子', '纺织', '精密制造', '塑料制品', '自动化']],
    ['D', 1, ['新能源']],
    ['E', 6, ['建筑工程', '装饰工程']],
    ['F', 22, ['贸易', '商贸', '百货', '建材']],
    ['G', 4, ['物流', '运输']],
    ['H', 4, ['餐饮管理', '酒店管理']],
    ['I', 7, ['软件', '信息技术', '网络科技']],
    ['J', 1, ['投资管理']],
    ['K', 2, ['物业管理']],
    ['L', 6, ['企业管理', '人力资源']],
    ['M', 5, ['检测技术', '工程设计']],
    ['N', 1, ['环境工程']],
    ['O', 2, ['家政服务', '汽车维修']],
    ['P', 1, ['教育咨询']],
    ['Q', 1, ['健康管理']],
    ['R', 1, ['文化传媒', '体育发展']],
];
// [code of firm_type, weight, ending, first two characters of the credit code by GB 32100]
const FORMS = [
    ['llc', 80, '有限公司', '91'],
    ['jsc', 4, '股份有限公司', '91'],
    ['sole', 4, '厂', '91'],
    ['partnership', 4, '合伙企业', '91'],
    ['branch', 3, '有限公司分公司', '91'],
    ['coop', 1, '专业合作社', '93'],
    ['individual', 4, '经营部', '92'],
];

export const personName = random => '样' + random.pick(STEMS) + random.pick(STEMS);

export function firmKind(random) {
    const [industry, trades] = random.weighted(TRADES.map(t => [[t[0], t[2]], t[1]]));
    const [type, ending, kind] = random.weighted(FORMS.map(f => [[f[0], f[2], f[3]], f[1]]));
    return { industry, trade: random.pick(trades), type, ending, kind };
}
// place: "昆山"; taken: names used already (two firms of one city cannot share a name)
export function firmName(random, place, kind, taken) {
    for (let i = 0; i < 1000; i++) {
        const name = `${place}样例${random.pick(WORDS)}${random.pick(WORDS)}${kind.trade}${kind.ending}`;
        if (taken.has(name)) continue;
        taken.add(name);
        return name;
    }
    throw new Error('the syllable list is too short for so many firms');
}

// "昆山市" → "昆山"; the short name that firms put first.
export const shortPlace = name => (name.length > 2 ? name.replace(/(市|区|县)$/, '') : name);
// "横塘社区居委会" → "横塘社区", "张桥村村民委员会" → "张桥村"
export function communityShort(name) {
    const bare = name.replace(/(居民委员会|村民委员会|居委会|村委会|民委会)$/, '');
    if (bare === name || /(社区|村|区)$/.test(bare)) return bare;
    return bare + (/村(民委员会|委会)$/.test(name) ? '村' : '社区');
}
