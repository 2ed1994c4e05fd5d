import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { baseCompile } from '@intlify/message-compiler'
import { describe, expect, it } from 'vitest'
import en from '@/i18n/en'
import zh from '@/i18n/zh-CN'

type Tree = { [key: string]: string | Tree }

function flat(tree: Tree, prefix = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') found.set(prefix + key, value)
    else for (const [below, text] of flat(value, `${prefix}${key}.`)) found.set(below, text)
  }
  return found
}

function sources(folder: string, kind = /(?<!schema\.d)\.(vue|ts)$/): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(path).isDirectory())
      return ['en', 'zh-CN', 'static'].includes(name) ? [] : sources(path, kind)
    return kind.test(name) ? [readFileSync(path, 'utf8')] : []
  })
}

const english = flat(en as unknown as Tree)
const chinese = flat(zh as unknown as Tree)
const code = sources(join(__dirname, '../src')).join('\n')

/** Keys written out, and the beginnings of those that are put together (`severity.${…}`, `told('reason', …)`). */
const written = new Set(
  [...code.matchAll(/['"`]([a-zA-Z]+(?:\.[\w-]+)+)['"`]/g)].map((match) => match[1] ?? ''),
)
const beginnings = [
  ...[...code.matchAll(/`([a-zA-Z]+(?:\.[a-zA-Z]+)*\.)\$\{/g)].map((match) => match[1] ?? ''),
  ...[...code.matchAll(/told\(\s*'([a-zA-Z]+)'/g)].map((match) => `${match[1] ?? ''}.`),
]
const named = (text: string) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]))].sort()

describe('messages', () => {
  it('are the same in both languages', () => {
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort())
  })

  it('are all used', () => {
    const unused = [...english.keys()].filter(
      (key) => !written.has(key) && !beginnings.some((start) => key.startsWith(start)),
    )
    expect(unused).toEqual([])
  })

  it('speak of no failure that there is none of', () => {
    const all = [code, ...sources(join(__dirname, '../../src/hullguard'), /\.py$/)].join('\n')
    const codes = new Set(
      [...all.matchAll(/["']([\w.-]+)["']/g)].map((match) => match[1]?.replaceAll('.', '_')),
    )
    const told = [...english.keys()].filter((key) => /^(problem|commandResult)\./.test(key))
    expect(told.length).toBeGreaterThan(100)
    expect(told.filter((key) => !codes.has(key.split('.')[1]))).toEqual([])
  })

  it('exist where they are used', () => {
    const called = [...code.matchAll(/\b(?:t|counted)\(\s*'([\w.-]+)'/g)].map((match) => match[1] ?? '')
    expect(called.length).toBeGreaterThan(300)
    expect(called.filter((key) => !english.has(key))).toEqual([])
  })

  it('name the same parameters in both languages', () => {
    const differing = [...english].filter(
      ([key, text]) => named(text).join() !== named(chinese.get(key) ?? '').join(),
    )
    expect(differing.map(([key]) => key)).toEqual([])
  })

  it('can all be compiled', () => {
    for (const [key, text] of [...english, ...chinese]) {
      const errors: string[] = []
      baseCompile(text, { onError: (error) => errors.push(`${key}: ${error.message}`) })
      expect(errors).toEqual([])
    }
  })

  it('hold Chinese in Chinese and none of it in English', () => {
    const han = /\p{Script=Han}/u
    expect([...english].filter(([key, text]) => han.test(text) && !key.startsWith('languageName'))).toEqual(
      [],
    )
    const untranslated = [...chinese]
      .filter(([, text]) => /[a-z]{4,}/i.test(text.replaceAll(/\{\w+\}/g, '')) && !han.test(text))
      .map(([key]) => key)
    // Names that are the same in every language.
    expect(untranslated.sort()).toEqual([
      'fact.shell',
      'languageName.en',
      'tree.root',
      'vulnerabilities.cvss',
      'vulnerabilities.epss',
    ])
  })

  it('that end with a Chinese mark have nothing behind them but what begins a line of its own', () => {
    const ending = [...chinese].filter(([, text]) => /[：，、；（]$/.test(text)).map(([key]) => key)
    expect(ending.length).toBeGreaterThan(5)
    const spaced = ending.filter((key) =>
      new RegExp(
        `'${key.replaceAll('.', '\\.')}'[^}]*\\}\\}\\s+(\\{\\{|<(Moment|RouterLink|span|strong)\\b)`,
      ).test(code),
    )
    expect(spaced).toEqual([])
  })
})
