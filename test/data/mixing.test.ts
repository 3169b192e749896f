/** Labels, mixtures, duplicates and decontamination. */
import type { ExactMessage } from '../../src/chat/messages.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { wordRuns, wordsOf } from '../../src/base/words.ts';
import { EvaluationQuestions } from '../../src/data/contamination.ts';
import { DuplicateFilter, minHash, similarity } from '../../src/data/duplicates.ts';
import { type Label, labelledLine, labelsOf } from '../../src/data/labels.ts';
import { DEFAULT_QUOTAS, mixByWeight, pickByQuotas, shareOut } from '../../src/data/mixing.ts';
import type { DataRecord } from '../../src/data/record.ts';

const user = (content: string): ExactMessage => ({ role: 'user', content });
const tool: ExactMessage = { role: 'tool', content: 'ok' };
const says = (content: string, calls = 0): ExactMessage => ({
  role: 'assistant',
  content,
  ...(calls > 0
    ? { toolCalls: Array.from({ length: calls }, () => ({ name: 'f', arguments: new Map() })) }
    : {}),
});
const record = (...messages: ExactMessage[]): DataRecord => ({ id: 'r', source: 's', messages, tools: [] });

describe('labelsOf', () => {
  it("follows the reference's rules for every message of the assistant", () => {
    const dialogue = record(
      user('a'),
      says('', 2),
      tool,
      tool,
      says('', 1),
      tool,
      says('Done.'),
      user('b'),
      says('And', 1),
    );
    expect(labelsOf(dialogue)).toEqual([
      { tags: ['parallel'], turns: 1, calls: 2 },
      { tags: ['single', 'multi-step'], turns: 2, calls: 1 },
      { tags: ['response'], turns: 3, calls: 0 },
      { tags: ['response', 'single'], turns: 4, calls: 1 },
    ]);
  });
});

describe('labelledLine', () => {
  it('is the record with a label for each of its answers', () => {
    const line = labelledLine(record(user('a'), says('Hm', 1), tool, says('Done.')));
    const { labels, ...rest } = JSON.parse(line) as Record<string, unknown>;
    expect(labels).toEqual([
      { tags: ['response', 'single'], turns: 1, calls: 1 },
      { tags: ['response'], turns: 2, calls: 0 },
    ]);
    expect(Object.keys(rest)).toEqual(['id', 'source', 'messages', 'tools']);
  });
});

const KINDS: readonly Label[] = [
  { tags: ['single'], turns: 1, calls: 1 },
  { tags: ['parallel'], turns: 1, calls: 2 },
  { tags: ['response'], turns: 3, calls: 0 },
  { tags: ['parallel', 'multi-step'], turns: 4, calls: 3 },
  { tags: ['single'], turns: 12, calls: 1 },
];

describe('pickByQuotas', () => {
  const labels = Array.from({ length: 10_000 }, (_, i) => KINDS[i % KINDS.length]!);
  const pick = (seed: number, size = 1000) => pickByQuotas(labels, size, DEFAULT_QUOTAS, Rng.seeded(seed));

  it('fills the quotas until 1.1 times the size is reached, and takes nothing of too many turns', () => {
    const picked = pick(42).map((index) => labels[index]!);
    const counts = KINDS.map((kind) => picked.filter((label) => label === kind).length);
    // Words are full at 200. Single turns have their 300 early; parallel calls have their 500 when about 250 of one
    // turn are in, and no more of those are taken. What is left goes to single calls and to those of many steps.
    const [single = 0, parallel = 0, words, manySteps = 0, tooLong] = counts;
    expect([words, tooLong]).toEqual([200, 0]);
    expect(parallel + manySteps).toBeGreaterThanOrEqual(500);
    expect(Math.abs(parallel - 250)).toBeLessThan(40);
    expect(single + manySteps).toBe(1100 - 200 - parallel);
    expect(Math.abs(single - manySteps)).toBeLessThan(80);
    expect(new Set(pick(42)).size).toBe(1100);
  });

  it('takes the same for the same seed, and something else for another', () => {
    expect(pick(42)).toEqual(pick(42));
    expect(pick(42)).not.toEqual(pick(43));
  });

  it('ends early where the categories that exist are full', () => {
    const words: Label[] = Array.from({ length: 1000 }, () => ({ tags: ['response'], turns: 1, calls: 0 }));
    expect(pickByQuotas(words, 500, DEFAULT_QUOTAS, Rng.seeded(1))).toHaveLength(100);
  });
});

describe('mixing by weight', () => {
  it('shares out in proportion, and what a small source lacks the others give', () => {
    expect(
      shareOut(
        [
          { weight: 2, size: 100 },
          { weight: 1, size: 100 },
        ],
        30,
      ),
    ).toEqual([20, 10]);
    expect(
      shareOut(
        [
          { weight: 2, size: 5 },
          { weight: 1, size: 100 },
          { weight: 1, size: 100 },
        ],
        40,
      ),
    ).toEqual([5, 18, 17]);
    expect(
      shareOut(
        [
          { weight: 1, size: 3 },
          { weight: 0, size: 9 },
        ],
        10,
      ),
    ).toEqual([3, 0]);
  });

  it('gives as many as are asked for or there are, none twice', () => {
    const source = fc.record({ weight: fc.double({ min: 0.01, max: 9, noNaN: true }), size: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(source, { minLength: 1, maxLength: 5 }), fc.nat(100), (sources, size) => {
        const lists = sources.map(({ weight, size: length }, s) => ({
          weight,
          items: Array.from({ length }, (_, i) => `${s}-${i}`),
        }));
        const mixed = mixByWeight(lists, size, Rng.seeded(1));
        const there = lists.reduce((sum, { items }) => sum + items.length, 0);
        expect(mixed).toHaveLength(Math.min(size, there));
        expect(new Set(mixed).size).toBe(mixed.length);
      }),
    );
  });
});

describe('DuplicateFilter', () => {
  const long =
    'Please set the lights of the living room to forty percent and start the washing machine after ten';

  it('finds exact repetitions whatever their ids, and tells answers apart', () => {
    const filter = new DuplicateFilter();
    const verdicts = [
      record(user('Go'), says('Gone')),
      { ...record(user('Go'), says('Gone')), id: 'other', source: 'other' },
      record(user('Go'), says('No')),
    ].map((one) => filter.check(one));
    expect(verdicts).toEqual([undefined, 'exact', undefined]);
  });

  it('finds near repetitions from the wanted similarity on', () => {
    const filter = new DuplicateFilter(0.8);
    const texts = [
      long,
      `${long}!`,
      `${long} tonight`,
      'Something else entirely, about the weather in Rome',
      'Go',
    ];
    expect(texts.map((text) => filter.check(record(user(text), says(''))))).toEqual([
      undefined,
      'near',
      'near',
      undefined,
      undefined,
    ]);
  });

  it('estimates the Jaccard similarity of runs of three words', () => {
    const rng = Rng.seeded(5);
    for (let round = 0; round < 50; round++) {
      const words = Array.from({ length: 60 }, () => `w${rng.below(1000)}`);
      const other = [
        ...words.slice(rng.below(40)),
        ...Array.from({ length: 20 }, () => `v${rng.below(1000)}`),
      ];
      const [a, b] = [new Set(wordRuns(words, 3)), new Set(wordRuns(other, 3))];
      const both = [...a].filter((run) => b.has(run)).length;
      const exact = both / (a.size + b.size - both);
      // Four standard errors of 64 draws.
      expect(Math.abs(similarity(minHash(words), minHash(other)) - exact)).toBeLessThan(0.25);
    }
  });
});

/** Questions that are written without spaces, or with them in places of the writer's own. */
const UNSPACED = {
  Chinese: '请帮我查询一下明天上午从北京飞往上海的所有航班并按照价格从低到高排序给我看看',
  Japanese: '明日の午前中に東京から大阪へ行く新幹線の時刻表を調べて、一番安い席を予約してください。',
  Thai: 'ช่วยจองตั๋วเครื่องบินจากกรุงเทพไปเชียงใหม่พรุ่งนี้เช้าและเลือกราคาที่ถูกที่สุดให้ด้วยครับ',
  Khmer: 'សូមជួយកក់សំបុត្រយន្តហោះពីភ្នំពេញទៅសៀមរាបនៅព្រឹកស្អែក ហើយជ្រើសរើសតម្លៃថោកបំផុត',
  Korean: '내일 아침 서울에서 부산으로 가는 기차를 예약하고 가장 싼 좌석을 골라서 알려 주세요',
  mixed: '请用Hilton Honors积分预订2026年3月北京的hotel并发邮件到我的Gmail邮箱然后提醒我check in',
} as const;
/** Another request in the same script, and much of the same words. */
const OTHERS: Readonly<Record<keyof typeof UNSPACED, string>> = {
  Chinese: '请帮我查询一下后天下午上海的天气怎么样，并提醒我带伞',
  Japanese: '明日の東京の天気を教えて、傘が必要なら知らせてください。',
  Thai: 'ช่วยบอกสภาพอากาศที่เชียงใหม่พรุ่งนี้เช้าหน่อยครับ',
  Khmer: 'សូមប្រាប់ខ្ញុំពីអាកាសធាតុនៅភ្នំពេញថ្ងៃស្អែក',
  Korean: '내일 부산 날씨가 어떤지 알려 주시고 우산이 필요하면 말해 주세요',
  mixed: '请用Gmail给我的老板发一封email说我今天在北京',
};

describe.each(Object.entries(UNSPACED))('a question in %s', (script, question) => {
  const other = OTHERS[script as keyof typeof UNSPACED];
  const questions = new EvaluationQuestions(10);
  questions.add('exam', { ...record(user(question)), id: 'q' });
  const overlap = (text: string) => questions.overlap(record(user(text), says('x')))?.id;

  it('contaminates what says the same, also inside of other words, and nothing else', () => {
    expect(overlap(question)).toBe('q');
    expect(overlap(`OK: ${question} !`)).toBe('q');
    expect(overlap(other)).toBeUndefined();
  });

  it('has near duplicates, and texts that are none', () => {
    const filter = new DuplicateFilter(0.8);
    const texts = [question, `${question}!`, `${question}吧`, other];
    expect(texts.map((text) => filter.check(record(user(text), says(''))))).toEqual([
      undefined,
      'near',
      'near',
      undefined,
    ]);
  });
});

describe('EvaluationQuestions', () => {
  const questions = new EvaluationQuestions(6);
  questions.add('exam', { ...record(user('How long must an egg of sixty grams boil, please?')), id: 'q1' });
  questions.add('exam', { ...record(user('Boil an egg now')), id: 'q2' });
  questions.add('exam', { ...record(user('Hello there')), id: 'q3' });
  const overlap = (text: string) => questions.overlap(record(user(text), says('x')))?.id;

  it('finds shared runs of words, whatever their case and marks', () => {
    expect(overlap('Tell me: AN EGG OF "SIXTY" GRAMS, boil it?')).toBe('q1');
    expect(overlap('An egg of fifty grams must boil long')).toBeUndefined();
  });

  it('compares short questions as a whole, and greetings not at all', () => {
    expect(overlap('boil an egg now!')).toBe('q2');
    expect(overlap('Boil an egg now or never, my friend')).toBeUndefined();
    expect(overlap('Hello there')).toBeUndefined();
    questions.add('exam', { ...record(user('北京明天的天气怎么样？')), id: 'q4' });
    questions.add('exam', { ...record(user('你好吗？')), id: 'q5' });
    expect(overlap('北京明天的天气怎么样')).toBe('q4');
    expect(overlap('你好吗')).toBeUndefined();
  });

  it('says which words of which set', () => {
    expect(questions.overlap(record(user('boil an EGG now')))).toEqual({
      set: 'exam',
      id: 'q2',
      words: 'boil an egg now',
    });
    expect(wordsOf('Ａ-b_c 日本語, é!')).toEqual(['a', 'b', 'c', '日', '本', '語', 'é']);
  });
});
