import { beforeAll, describe, expect, it } from 'vitest'
import type { Deed, Process, Step, Story, StoryProcess } from '@/api/types'
import { branches, endpoint, sentenceOf } from '@/components/incidents/story'
import { useLanguage } from '@/i18n'

function process(pid: number, comm: string, started: string): Process {
  return { pid, comm, started } as Process
}

function node(key: string, parent: string | null, pid: number, started: string): StoryProcess {
  return { key, parent, process: process(pid, key, started) }
}

function step(id: string, actor: string, deed: Partial<Deed> | null): Step {
  return {
    id,
    rule: 'own',
    title: 'A title',
    title_zh: '标题',
    lineage: [actor],
    details: {},
    deed,
  } as unknown as Step
}

const story = {
  steps: [
    step('1', 'curl', { kind: 'connect', remote: { address: '::1', port: 80, name: 'x\u202e' } }),
    step('2', 'sh', { kind: 'exec', path: '/tmp/a', new_file: true }),
    step('3', 'sh', { kind: 'file_open', path: '/etc/shadow', reads: true }),
    step('4', 'sh', null),
  ],
  processes: [
    node('curl', 'sh', 30, '2026-03-01T12:00:03Z'),
    node('cat', 'sh', 20, '2026-03-01T12:00:02Z'),
    node('sh', 'init', 10, '2026-03-01T12:00:01Z'),
    node('init', null, 1, '2026-03-01T12:00:00Z'),
    node('other', null, 2, '2026-03-01T12:00:09Z'),
  ],
} as unknown as Story

describe('a story', () => {
  beforeAll(() => useLanguage('en'))

  it('hangs every process below its parent, by time', () => {
    expect(branches(story).map(({ key, depth }) => [key, depth])).toEqual([
      ['init', 0],
      ['sh', 1],
      ['cat', 2],
      ['curl', 2],
      ['other', 0],
    ])
    expect(branches(story)[1]?.steps.map(({ id }) => id)).toEqual(['2', '3', '4'])
  })

  it('ends, whatever a server says of parents', () => {
    const round = { ...story, processes: [node('a', null, 1, ''), node('a', 'a', 1, '')] }
    expect(branches(round).map(({ key }) => key)).toEqual(['a'])
  })

  it('tells each step in a sentence', async () => {
    expect(story.steps.map((each) => sentenceOf(each, story))).toEqual([
      'curl connected to x\\u202e ([::1]:80)',
      'sh ran /tmp/a, which is not in the image',
      'sh read /etc/shadow',
      'A title',
    ])
    await useLanguage('zh-CN')
    expect(story.steps.slice(2).map((each) => sentenceOf(each, story))).toEqual([
      'sh 读取了 /etc/shadow',
      '标题',
    ])
    await useLanguage('en')
  })

  it('says what was refused, of which no deed is told', () => {
    const details = { program: '/usr/bin/dash', profile: 'shop', deed: 'runs', what: '/usr/bin/id' }
    const refused = { ...step('5', 'sh', null), rule: 'profile.departure', details, stopped: true }
    expect(sentenceOf(refused, story)).toContain('/usr/bin/id')
    expect(
      sentenceOf(
        {
          ...refused,
          rule: 'file.read-sensitive',
          details: { program: '/usr/bin/cat', path: '/etc/shadow' },
        },
        story,
      ),
    ).toBe('/usr/bin/cat read /etc/shadow')
  })

  it('names an end of a connection', () => {
    expect(endpoint('203.0.113.9', 3333, 'pool.example')).toBe('pool.example (203.0.113.9:3333)')
    expect(endpoint('/run/docker.sock', 0, '')).toBe('/run/docker.sock')
  })
})
