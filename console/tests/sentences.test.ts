import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { useLanguage } from '@/i18n'
import { Sentences, sentenceOf } from '@/i18n/sentences'

/** The list that the commands' reader of the same files is held to. */
const pairs = JSON.parse(readFileSync('../tests/data/words/sentences.json', 'utf8')) as [string, string][]

describe('sentences of scans', () => {
  it('are said in Chinese as commands say them', async () => {
    await useLanguage('zh-CN')
    expect(pairs.length).toBeGreaterThan(20)
    for (const [english, chinese] of pairs) expect(sentenceOf(english)).toBe(chinese)
  })

  it('stay English in English', async () => {
    await useLanguage('en')
    for (const [english] of pairs) expect(sentenceOf(english)).toBe(english)
  })

  it('are filled with what stands in them, whatever that is', () => {
    const known = new Sentences({ '{a} is not {b}': '{a} 不是 {b}' })
    expect(known.of("$& is not $'")).toBe("$& 不是 $'")
    expect(known.of('{b} is not {a}')).toBe('{b} 不是 {a}')
    expect(known.of(' is not ')).toBe(' is not ')
  })

  it('stand side by side, and none swallows the others', () => {
    const known = new Sentences({
      'there is no file {name}': '没有文件 {name}',
      '{url} cannot be reached: {bad}': '无法连接 {url}：{bad}',
    })
    expect(known.of("there is no file 'a b'; host cannot be reached: no route")).toBe(
      "没有文件 'a b'；无法连接 host：no route",
    )
    expect(known.of('host cannot be reached: refused; unheard of')).toBe('无法连接 host：refused; unheard of')
  })

  it('are left alone when they are too long to be any', () => {
    const long = 'is cut off: '.repeat(1000)
    expect(new Sentences({ 'is cut off': '不完整' }).of(long)).toBe(long)
  })
})
