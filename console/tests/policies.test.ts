import { describe, expect, it } from 'vitest'
import type { DetectorInfo, PolicySpec } from '@/api/types'
import { changes } from '@/components/policies/diff'
import { acts, draftOf, emptySpec, lines, specOf } from '@/components/policies/draft'
import { placeOf } from '@/components/policies/fields'

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
})
