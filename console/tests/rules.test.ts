import { beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, nextTick, ref } from 'vue'
import type { CheckedRules, Incident, RuleInfo, RulesSpec } from '@/api/types'
import { below, ruleTitle, summary } from '@/components/incidents/words'
import { chosen } from '@/components/rules/choose'
import { freeName, lineCount, moved, offsetOf, sizeOf, textOf, wordEnd } from '@/components/rules/files'
import {
  actionsOf,
  copyOf,
  orphans,
  packOnly,
  stateOf,
  withoutSettings,
  withSetting,
} from '@/components/rules/settings'
import { ruleWords } from '@/components/rules/words'
import { useRuleCheck } from '@/composables/ruleCheck'
import { useLanguage } from '@/i18n'

function info(name: string, more: Partial<RuleInfo> = {}): RuleInfo {
  return {
    name,
    file: 'pack/escape.yaml',
    title: `Title of ${name}`,
    title_zh: '',
    desc: '',
    severity: 'high',
    technique: 'T1611',
    tags: [],
    enabled: true,
    kinds: ['exec'],
    cost: 'low',
    why: '',
    why_zh: '',
    advice: '',
    advice_zh: '',
    false_positives: '',
    false_positives_zh: '',
    ...more,
  }
}

const core = info('escape.core-pattern', { title_zh: '容器以写方式打开 core_pattern', severity: 'critical' })
const own = info('Somebody ran a backup', {
  file: 'own.yaml',
  enabled: false,
  severity: 'low',
  tags: ['backup'],
})

describe('the settings of a rule', () => {
  it('are those of its file until the policy says something else', () => {
    expect(stateOf(core, packOnly())).toEqual({ enabled: true, action: 'alert', changed: false })
    expect(stateOf(own, packOnly())).toEqual({ enabled: false, action: 'alert', changed: false })
  })

  it('keep nothing but the difference', () => {
    const off = withSetting(packOnly(), core, { enabled: false })
    expect(off.settings).toEqual({ 'escape.core-pattern': { enabled: false, action: 'alert' } })
    expect(stateOf(core, off)).toEqual({ enabled: false, action: 'alert', changed: true })
    expect(withSetting(off, core, { enabled: true }).settings).toEqual({})
    const killed = withSetting(packOnly(), core, { action: 'kill' })
    expect(killed.settings).toEqual({ 'escape.core-pattern': { enabled: null, action: 'kill' } })
    expect(withSetting(killed, core, { action: 'alert' }).settings).toEqual({})
  })

  it('switch on what its file has off', () => {
    const on = withSetting(packOnly(), own, { enabled: true })
    expect(on.settings).toEqual({ 'Somebody ran a backup': { enabled: true, action: 'alert' } })
    expect(withSetting(on, own, { enabled: false }).settings).toEqual({})
  })

  it('are the same text in whatever order they were made', () => {
    const one = withSetting(withSetting(packOnly(), core, { action: 'kill' }), own, { enabled: true })
    const other = withSetting(withSetting(packOnly(), own, { enabled: true }), core, { action: 'kill' })
    expect(JSON.stringify(copyOf(one))).toBe(JSON.stringify(copyOf(other)))
  })

  it('offer to refuse what is about connections', () => {
    expect(actionsOf(info('a', { kinds: ['exec', 'connect'] }))).toContain('deny')
    expect(actionsOf(info('a', { kinds: ['send'] }))).toContain('deny')
    expect(actionsOf(info('a', { kinds: ['exec', 'accept'] }))).not.toContain('deny')
  })

  it('do not take what every object has for settings', () => {
    expect(stateOf(info('constructor'), packOnly()).changed).toBe(false)
  })

  it('of rules that are gone are found and dropped', () => {
    const rules = withSetting(withSetting(packOnly(), core, { action: 'kill' }), own, { enabled: true })
    expect(orphans(rules, [core])).toEqual(['Somebody ran a backup'])
    expect(Object.keys(withoutSettings(rules, orphans(rules, [core])).settings)).toEqual([
      'escape.core-pattern',
    ])
  })
})

describe('a list of rules', () => {
  const infos = [core, own]
  const all = { words: '', severity: '', state: '', file: '' }
  const names = (wanted: object, rules: RulesSpec = packOnly()) =>
    chosen(infos, rules, { ...all, ...wanted }).map((each) => each.name)

  it('is searched in both languages, by every word', () => {
    expect(names({ words: 'CORE title' })).toEqual([core.name])
    expect(names({ words: '写方式' })).toEqual([core.name])
    expect(names({ words: 'backup' })).toEqual([own.name])
    expect(names({ words: 'core backup' })).toEqual([])
  })

  it('is filtered by severity, state and file', () => {
    expect(names({ severity: 'low' })).toEqual([own.name])
    expect(names({ state: 'on' })).toEqual([core.name])
    expect(names({ state: 'off' })).toEqual([own.name])
    expect(names({ state: 'changed' }, withSetting(packOnly(), own, { action: 'stop' }))).toEqual([own.name])
    expect(names({ file: 'pack' })).toEqual([core.name])
    expect(names({ file: 'own.yaml' })).toEqual([own.name])
  })
})

describe('a rule file', () => {
  it('gets a name that a policy can have and that is free', () => {
    expect(freeName('my rules (1).yaml', [])).toBe('my-rules-1-.yaml')
    expect(freeName('规则.yaml', [])).toBe('规则.yaml')
    expect(freeName('../..', [])).toBe('rules.yaml')
    const taken = [{ name: 'a.yaml', content: '' }]
    expect(freeName('a.yaml', taken)).toBe('a-2.yaml')
    expect(freeName(`${'x'.repeat(200)}.yaml`, taken)).toHaveLength(64)
  })

  it('is as large as its bytes', () => {
    expect(sizeOf([{ name: 'a', content: 'é规' }])).toBe(5)
  })

  it('is text or nothing', () => {
    expect(textOf(new TextEncoder().encode('- rule: 规\n'))).toBe('- rule: 规\n')
    expect(textOf(new Uint8Array([0xff, 0xfe, 0x00]))).toBeNull()
  })

  it('has places by line and column, in characters', () => {
    const text = '- rule: a\n  desc: 😀 x y\n\nend'
    expect(lineCount(text)).toBe(4)
    expect(text.slice(offsetOf(text, 2, 11)).startsWith('x y')).toBe(true)
    expect(offsetOf(text, 1, 1)).toBe(0)
    expect(text.slice(offsetOf(text, 4, 1))).toBe('end')
    expect(offsetOf(text, 99, 99)).toBe(text.length)
    const name = offsetOf('condition: proc.nam = x', 1, 12)
    expect('condition: proc.nam = x'.slice(name, wordEnd('condition: proc.nam = x', name))).toBe('proc.nam')
  })

  it('moves up', () => {
    expect(moved(['a', 'b', 'c'], 2, 1)).toEqual(['a', 'c', 'b'])
    expect(moved(['a', 'b'], 1, 0)).toEqual(['b', 'a'])
  })
})

describe('what rules are called', () => {
  const incident = {
    rule: 'Read "secrets" [v2], twice.',
    details: { output: 'Secrets read | file=/a\nb‮ command=cat' },
    lineage: [{ pid: 1, comm: 'cat' }],
  } as unknown as Incident

  it.each(['en', 'zh-CN'] as const)(
    'is their name and their sentence where nobody else knows them, in %s',
    async (language) => {
      await useLanguage(language)
      expect(summary(incident)).toBe('Read "secrets" [v2], twice.')
      expect(ruleTitle('constructor')).toBe('constructor')
      expect(ruleTitle('')).toBe('')
      expect(below(incident)).toBe('Secrets read | file=/a\\x0ab\\u202e command=cat')
    },
  )

  it('is the title of a detector below its sentence', async () => {
    await useLanguage('en')
    const shell = { ...incident, rule: 'container.terminal-shell', details: { shell: 'bash' } } as Incident
    expect(summary(shell)).toBe('bash was opened with a terminal')
    expect(below(shell)).toBe('Shell with a terminal opened in a container')
  })

  it('is in the language of the reader, English where a rule has no Chinese', async () => {
    await useLanguage('zh-CN')
    expect(ruleWords(core).title).toBe('容器以写方式打开 core_pattern')
    expect(ruleWords(own).title).toBe('Title of Somebody ran a backup')
    await useLanguage('en')
    expect(ruleWords(core).title).toBe('Title of escape.core-pattern')
  })
})

describe('checking while somebody types', () => {
  const asked: {
    body: RulesSpec
    answer: (found: CheckedRules | { status: number; problem: object }) => void
  }[] = []

  beforeEach(() => {
    asked.length = 0
    vi.useFakeTimers()
    vi.stubGlobal('fetch', (_: string, options: RequestInit) => {
      return new Promise((resolve, reject) => {
        options.signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError')))
        asked.push({
          body: JSON.parse(String(options.body)) as RulesSpec,
          answer: (found) =>
            resolve(
              'status' in found
                ? new Response(JSON.stringify(found.problem), { status: found.status })
                : new Response(JSON.stringify(found)),
            ),
        })
      })
    })
  })

  function start(content: string) {
    const rules = ref<RulesSpec>({ ...packOnly(), files: [{ name: 'own.yaml', content }] })
    const scope = effectScope()
    const check = scope.run(() => useRuleCheck(() => rules.value))
    if (!check) throw new Error('no scope')
    return { rules, check, stop: () => scope.stop() }
  }

  async function pause() {
    await nextTick()
    await vi.advanceTimersByTimeAsync(1000)
  }

  it('asks once for what was typed without a pause, and nothing for a switch', async () => {
    const { rules, check, stop } = start('a')
    await pause()
    expect(asked.map((each) => each.body.files[0]?.content)).toEqual(['a'])
    for (const content of ['ab', 'abc']) {
      rules.value = { ...rules.value, files: [{ name: 'own.yaml', content }] }
      await nextTick()
    }
    expect(check.sound.value).toBe(false)
    await pause()
    expect(asked.map((each) => each.body.files[0]?.content)).toEqual(['a', 'abc'])
    rules.value = { ...rules.value, host: true }
    await pause()
    expect(asked).toHaveLength(2)
    asked[0]?.answer({ rules: [], problems: [] })
    await pause()
    expect(check.checking.value).toBe(true)
    asked[1]?.answer({
      rules: [own],
      problems: [{ file: 'pack/a.yaml', line: 1, column: 1, text: 'old', text_zh: '', error: false }],
    })
    await pause()
    expect(check.infos.value).toEqual([own])
    expect(check.problems.value).toEqual([])
    expect(check.sound.value).toBe(true)
    stop()
  })

  it('says of a refusal where in the policy it is', async () => {
    const { check, stop } = start('a')
    await pause()
    asked[0]?.answer({
      status: 422,
      problem: { code: 'invalid', detail: 'Expected `str` matching regex', field: '$.files[0].name' },
    })
    await pause()
    expect(check.refusal.value?.field).toBe('$.rules.files[0].name')
    expect(check.sound.value).toBe(false)
    stop()
  })

  it('asks nothing without files', async () => {
    const { rules, check, stop } = start('a')
    rules.value = { ...packOnly(), pack: false }
    await pause()
    expect(asked).toEqual([])
    expect(check.infos.value).toEqual([])
    expect(check.sound.value).toBe(true)
    stop()
  })
})
