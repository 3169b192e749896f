/** Words of every script. */
import { describe, expect, it } from 'vitest';
import { wordCount, wordRuns, wordsOf } from '../../src/base/words.ts';

describe('wordsOf', () => {
  it('takes scripts without spaces apart into characters, each with its marks, and leaves other words whole', () => {
    const cases: Readonly<Record<string, string>> = {
      'Book 北京Hilton酒店 for 2晚!': 'book 北 京 hilton 酒 店 for 2 晚',
      'サーバーの状態、ﾊﾟｿｺﾝ': 'サ ー バ ー の 状 態 パ ソ コ ン',
      'จองตั๋ว ที่นี่': 'จ อ ง ตั๋ ว ที่ นี่',
      ភ្នំពេញ: 'ភ្ នំ ពេ ញ',
      '서울의 날씨': '서 울 의 날 씨',
      'हिन्दी में मौसम': 'हिन्दी में मौसम',
      'مَرحبا بالعالم': 'مَرحبا بالعالم',
      'Ａ-b_c naïve Straße': 'a b c naïve straße',
    };
    for (const [text, words] of Object.entries(cases)) expect(wordsOf(text).join(' ')).toBe(words);
  });
});

describe('wordRuns', () => {
  it('counts one and a half characters of Chinese, or three of Thai, as a word', () => {
    expect(wordCount(wordsOf('book two rooms'))).toBe(3);
    expect(wordCount(wordsOf('预订两间客房'))).toBe(4);
    expect(wordCount(wordsOf('จองห้อง'))).toBe(2);
    expect(wordCount(wordsOf('2 rooms 北京市'))).toBe(4);
  });

  it('makes runs of as much as so many words, and of the whole where it is shorter', () => {
    expect(wordRuns(wordsOf('a b c d'), 3)).toEqual(['a b c', 'b c d']);
    expect(wordRuns(wordsOf('预订两间客房'), 2)).toEqual(['预订两', '订两间', '两间客', '间客房']);
    expect(wordRuns(wordsOf('Hotel 北京 now'), 2)).toEqual(['hotel 北京', '北京 now']);
    expect(wordRuns(wordsOf('两间'), 3)).toEqual(['两间']);
    expect(wordRuns([], 3)).toEqual([]);
  });
});
