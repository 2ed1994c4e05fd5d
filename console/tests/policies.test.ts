import { describe, expect, it } from 'vitest'
import type { DetectorInfo, PolicySpec } from '@/api/types'
import { changes } from '@/components/policies/diff'
import { acts, draftOf, emptySpec, lines, specOf } from '@/components/policies/draft'
import { placeOf } from '@/components/policies/fields'
import { lineChanges } from '@/components/policies/textDiff'

const infos: DetectorInfo[] = [
  { id: 'a.shell', title: 'Shell', severity: 'medium', technique: 'T1', actions: ['alert'], parameters: [] },
  {
    id: 'b.drop',
    title: 'Drop',
    severity: 'critical',
    technique: 'T2',
    actions: ['alert', 'kill'],
    parameters: [],
  },
]
const spec: PolicySpec = {
  name: 'shop',
  description: '',
  enabled: true,
  detectors: {
    'a.shell': { enabled: true, action: 'alert', parameters: { shells: ['sh', 'bash'] } },
    'z.newer': { enabled: true, action: 'kill', parameters: { depth: 3 } },
  },
  rules: {
    pack: true,
    files: [{ name: 'own.yaml', content: '- rule: Own\n' }],
    settings: { 'escape.core-pattern': { enabled: null, action: 'kill' } },
    host: false,
  },
  binding: { nodes: ['*'], images: ['nginx:*'] },
  rollout: {
    mode: 'canary',
    canary_nodes: ['n1'],
    canary_percent: 10,
    automatic: true,
    watch_minutes: 30,
    tolerated_exits: 3,
  },
}

describe('a draft', () => {
  it('comes back as the policy it was made from, with detectors that this console does not know', () => {
    expect(specOf(draftOf(spec, infos), spec)).toEqual(spec)
  })

  it('does not share anything with the policy', () => {
    const draft = draftOf(spec, infos)
    ;(draft.detectors[0]?.parameters.shells as string[]).push('zsh')
    draft.rollout.canary_nodes.push('n2')
    expect(spec.detectors['a.shell']?.parameters.shells).toEqual(['sh', 'bash'])
    expect(spec.rollout.canary_nodes).toEqual(['n1'])
    draft.rules.files.pop()
    draft.rules.settings = {}
    expect(spec.rules.files).toHaveLength(1)
    expect(Object.keys(spec.rules.settings)).toHaveLength(1)
  })

  it('turns a detector on by naming it, and keeps one that was off out of the policy', () => {
    const draft = draftOf(spec, infos)
    expect(draft.detectors.map((each) => [each.id, each.enabled])).toEqual([
      ['a.shell', true],
      ['b.drop', false],
      ['z.newer', true],
    ])
    const drop = draft.detectors[1]
    if (drop) drop.enabled = true
    expect(Object.keys(specOf(draft, spec).detectors)).toEqual(['a.shell', 'b.drop', 'z.newer'])
  })

  it('binds every node or some', () => {
    const draft = { ...draftOf(spec, infos), everyNode: false, nodes: ['n1'], images: ' redis:7 \n\n' }
    expect(specOf(draft, spec).binding).toEqual({ nodes: ['n1'], images: ['redis:7'] })
  })

  it('starts with every detector on', () => {
    expect(Object.values(emptySpec(infos).detectors).every((each) => each.enabled)).toBe(true)
    expect(lines('a\n b \n\n')).toEqual(['a', 'b'])
  })

  it('of a new policy is only simulated', () => {
    expect(emptySpec(infos).rollout.mode).toBe('simulate')
  })

  it('acts if anything enabled does more than alert', () => {
    expect(acts(spec)).toBe(true)
    expect(acts({ ...spec, enabled: false })).toBe(false)
    expect(acts(emptySpec(infos))).toBe(false)
    const quiet = { ...spec, detectors: {} }
    expect(acts(quiet)).toBe(true)
    const off = { 'escape.core-pattern': { enabled: false, action: 'kill' as const } }
    expect(acts({ ...quiet, rules: { ...spec.rules, settings: off } })).toBe(false)
  })
})

describe('a complaint', () => {
  it.each([
    [
      "$.spec.detectors['file.read-sensitive'].parameters.paths[2]",
      { part: 'parameter', detector: 'file.read-sensitive', parameter: 'paths', item: 2 },
    ],
    ["$.detectors['b.drop'].action", { part: 'action', detector: 'b.drop' }],
    ["$.spec.detectors['b.drop']", { part: 'detector', detector: 'b.drop' }],
    ['$.spec.name', { part: 'name' }],
    ['$.spec.binding.images[1]', { part: 'images', item: 1 }],
    ['$.spec.binding.nodes', { part: 'nodes' }],
    ['$.comment', { part: 'comment' }],
    ['$.spec.rollout.canary_nodes', { part: 'rollout' }],
    ['$.spec.rules.files[3].content', { part: 'ruleFileText', item: 3 }],
    ['$.rules.files[0].name', { part: 'ruleFileName', item: 0 }],
    ['$.spec.rules.files', { part: 'ruleFiles' }],
    [
      "$.spec.rules.settings['Somebody's \"rule\" [x]'].action",
      { part: 'rule', rule: 'Somebody\'s "rule" [x]' },
    ],
    ["$.spec.rules.settings['escape.core-pattern']", { part: 'rule', rule: 'escape.core-pattern' }],
    ['$.spec.rules.settings[...]', { part: 'form' }],
    ['$.spec.detectors[...].parameters', { part: 'form' }],
    ['$', { part: 'form' }],
    [null, { part: 'form' }],
  ])('about %s is shown at its field', (field, place) => {
    expect(placeOf(field)).toEqual(place)
  })
})

describe('what differs', () => {
  it('is nothing between equals', () => {
    expect(changes(spec, structuredClone(spec))).toEqual([])
  })

  it('is told by part, with what came and went of a list', () => {
    const after = structuredClone(spec)
    after.name = 'shop 2'
    after.binding.images = ['nginx:*', 'redis:*']
    after.rollout = { ...after.rollout, mode: 'enforce', tolerated_exits: 0 }
    after.detectors['a.shell'] = { enabled: false, action: 'alert', parameters: {} }
    after.detectors['z.newer'] = { enabled: true, action: 'alert', parameters: { depth: 4 } }
    expect(changes(spec, after)).toEqual([
      { part: 'name', before: 'shop', after: 'shop 2' },
      { part: 'images', before: ['nginx:*'], after: ['nginx:*', 'redis:*'], removed: [], added: ['redis:*'] },
      { part: 'mode', before: 'canary', after: 'enforce' },
      { part: 'tolerated_exits', before: 3, after: 0 },
      { part: 'detector', detector: 'a.shell', before: true, after: false },
      {
        part: 'parameter',
        detector: 'a.shell',
        parameter: 'shells',
        before: ['sh', 'bash'],
        after: undefined,
      },
      { part: 'action', detector: 'z.newer', before: 'kill', after: 'alert' },
      { part: 'parameter', detector: 'z.newer', parameter: 'depth', before: 3, after: 4 },
    ])
  })

  it('is told of rules: switches, files line by line, and what follows one', () => {
    const after = structuredClone(spec)
    after.rules.host = true
    after.rules.files = [
      { name: 'own.yaml', content: '- rule: Own\n  priority: ERROR\n' },
      { name: 'new.yaml', content: '- list: a\n' },
    ]
    after.rules.settings = { Own: { enabled: false, action: 'alert' } }
    const found = changes(spec, after)
    expect(
      found.map(({ part, rule, file, before, after: now }) => [part, rule ?? file, before, now]),
    ).toEqual([
      ['host', undefined, false, true],
      ['ruleFile', 'own.yaml', spec.rules.files[0]?.content, after.rules.files[0]?.content],
      ['ruleFile', 'new.yaml', undefined, '- list: a\n'],
      ['rule', 'Own', undefined, false],
      ['action', 'escape.core-pattern', 'kill', 'alert'],
    ])
    expect(found[1]?.lines).toEqual([
      { kind: 'same', text: '- rule: Own' },
      { kind: 'come', text: '  priority: ERROR' },
    ])
    expect(found[2]?.lines).toEqual([{ kind: 'come', text: '- list: a' }])
  })

  it('is told of files that changed their places', () => {
    const two = structuredClone(spec)
    two.rules.files.push({ name: 'b.yaml', content: '' })
    const turned = structuredClone(two)
    turned.rules.files.reverse()
    expect(changes(two, turned)).toEqual([
      { part: 'ruleFileOrder', before: ['own.yaml', 'b.yaml'], after: ['b.yaml', 'own.yaml'] },
    ])
  })
})

describe('what differs between two texts', () => {
  const text = (...lines: (string | number)[]) => lines.map((line) => `${String(line)}\n`).join('')
  const told = (before: string, after: string) =>
    lineChanges(before, after).map(({ kind, text: line }) => `${kind} ${line}`.trim())

  it('is nothing between equals', () => {
    expect(told(text(1, 2), text(1, 2))).toEqual([])
    expect(told('', '')).toEqual([])
  })

  it('is told with two lines around, and what lies far away is skipped', () => {
    const before = text(1, 2, 3, 4, 5, 6, 7, 8, 9)
    expect(told(before, before.replace('5\n', 'five\n'))).toEqual([
      'skipped',
      'same 3',
      'same 4',
      'gone 5',
      'come five',
      'same 6',
      'same 7',
      'skipped',
    ])
  })

  it('keeps the lines between two changes', () => {
    expect(told(text('a', 'b', 'c', 'd'), text('b', 'x', 'c'))).toEqual([
      'gone a',
      'same b',
      'come x',
      'same c',
      'gone d',
    ])
  })

  it('of texts that share little is told whole, without comparing each with each', () => {
    const many = (word: string) =>
      text(...Array.from({ length: 4000 }, (_, index) => `${word} ${String(index)}`))
    expect(lineChanges(many('a'), many('b'))).toHaveLength(8000)
  })
})
