import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leastTokens } from './least-tokens.ts'

/** Texts with the fewest tokens of three tokenizers: o200k and cl100k of OpenAI, and the one published for Claude 2. */
const measured: readonly (readonly [number, string])[] = [
  [
    43,
    'Spillway keeps an application that calls Claude answering when Claude is slow, limited or down. A spillway carries water safely around a dam that is full; this one carries calls around an endpoint that is full.',
  ],
  [6, 'international implementation characteristics nevertheless straightforward responsibilities'],
  [
    40,
    "export function header(headers: ResponseHeaders, name: string): string | undefined {\n  const value = headers[name]\n  return typeof value === 'string' ? value : value?.[0]\n}\n",
  ],
  [
    28,
    '    for index, item in enumerate(self._items):\n        if item.is_ready() and not item.closed:\n            yield index, item\n',
  ],
  [21, '{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"Hi"}]}'],
  [27, '1739482 20261127 3.14159265 127.0.0.1 1,234,567 0x7fff'],
  [16, 'a b c d e f g h i j k l m n o p'],
  [44, '3f786850e387550fdab836ed7e6dc881de23001b 89e6c98d92887913cadf06b2adb97f26cde4849b'],
  [37, 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ'],
  [18, '| name                 |        42 |\n| another name         |      4711 |\n'],
  [4, `${'='.repeat(52)}\n${'-'.repeat(52)}\n`],
  [4, ' '.repeat(400)],
  [50, 'a'.repeat(400)],
  [24, '人工智能正在改变我们的生活方式。随着技术的不断发展,越来越多的企业开始使用大型语言模型。'],
  [33, '昨日の午後、友達と公園を散歩して、子供たちが芝生の上で遊んでいるのを見ました。'],
  [26, '어제 오후에 친구들과 공원을 산책하면서 많은 아이들이 잔디밭에서 노는 것을 보았습니다.'],
  [11, 'Всё больше компаний начинают использовать большие языковые модели.'],
  [21, 'Immer mehr Unternehmen nutzen große Sprachmodelle; Donaudampfschifffahrtsgesellschaften auch.'],
  [25, 'कल दोपहर हम दोस्तों के साथ पार्क में टहलने गए और कई बच्चों को घास पर खेलते देखा।'],
  [19, 'เมื่อวานตอนบ่ายเราไปเดินเล่นในสวนสาธารณะกับเพื่อน'],
  [15, 'بعد ظهر أمس ذهبنا مع الأصدقاء للتنزه في الحديقة.'],
  [14, '👩‍🚀🚀🎉 well done 👍👍👍'],
  [15, 'https://example.com/a/b/c?q=1&r=two#part'],
  [12, '“Quoted” — with dashes… and ‘more’'],
]

describe('the least number of tokens of a text', () => {
  it.each(measured)('is no more than %i: %j', (tokens, text) => {
    expect(leastTokens(text)).toBeLessThanOrEqual(tokens)
  })

  it('is not far from what prose and code have', () => {
    const [[prose, text], , [code, source]] = measured as readonly [
      (typeof measured)[0],
      (typeof measured)[0],
      (typeof measured)[0],
    ]
    expect(leastTokens(text)).toBeGreaterThan(0.85 * prose)
    expect(leastTokens(source)).toBeGreaterThan(0.7 * code)
  })

  it('grows with the text, and is nothing for nothing', () => {
    expect(leastTokens('')).toBe(0)
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (text, more) => {
        expect(leastTokens(`${text} ${more}`)).toBeCloseTo(leastTokens(text) + leastTokens(more), 6)
        expect(leastTokens(text)).toBeLessThanOrEqual(text.length)
      }),
    )
  })

  it('is not looked for beyond what is enough', () => {
    const text = 'word '.repeat(1_000)
    expect(leastTokens(text, 10)).toBe(10)
    expect(leastTokens(text, 1_001)).toBe(1_000)
  })
})
