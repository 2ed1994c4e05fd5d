import { beforeAll, describe, expect, it } from 'vitest'
import type { Incident } from '@/api/types'
import { instruction } from '@/components/images/instruction'
import { shortDigest } from '@/components/images/names'
import { packageName } from '@/components/images/purl'
import { commandLine, followed, summary } from '@/components/incidents/words'
import {
  actorText,
  factName,
  reasonText,
  subjectLink,
  subjectParts,
  subjectText,
} from '@/components/audit/words'
import { reasonText as reasonOfNode } from '@/components/nodes/reasons'
import { counted, told, useLanguage } from '@/i18n'
import { bytes, dayAndTime, duration, moment, number } from '@/i18n/format'

beforeAll(() => useLanguage('en'))

describe('an instruction', () => {
  it.each([
    ['/bin/sh -c #(nop) COPY file:9a in / ', 'COPY', 'file:9a in /'],
    ['/bin/sh -c apt-get update', 'RUN', 'apt-get update'],
    ['RUN /bin/sh -c pip install x # buildkit', 'RUN', 'pip install x'],
    ['COPY app/ /srv/ # buildkit', 'COPY', 'app/ /srv/'],
    ['bazel build ...', '', 'bazel build ...'],
    [null, '', ''],
  ])('of %s is read', (createdBy, verb, rest) => {
    expect(instruction(createdBy)).toEqual({ verb, rest })
  })
})

describe('a package', () => {
  it.each([
    ['pkg:deb/debian/openssl@3.0.9-1?arch=amd64', 'openssl'],
    ['pkg:npm/%40babel/core@7.0.0', '@babel/core'],
    ['pkg:pypi/django@4.2.3', 'django'],
    ['pkg:npm/%E0%A4%A@1', '%E0%A4%A'],
    ['nonsense', 'nonsense'],
  ])('%s is called %s', (purl, name) => {
    expect(packageName(purl)).toBe(name)
  })
})

describe('a command line', () => {
  it('shows what would hide: control characters, direction marks, spaces', () => {
    const args = ['sh', '-c', 'echo hi', 'a\u001b[2Jb', 'evil\u202efdp.exe', "it's", '']
    expect(commandLine({ pid: 1, args })).toBe(
      "sh -c 'echo hi' a\\x1b[2Jb evil\\u202efdp.exe 'it'\\''s' ''"
        .replace('a\\x1b[2Jb', "'a\\x1b[2Jb'")
        .replace('evil\\u202efdp.exe', "'evil\\u202efdp.exe'"),
    )
  })

  it('says when the kernel cut it', () => {
    expect(commandLine({ pid: 1, args: ['java'], args_truncated: true })).toBe('java …')
    expect(commandLine({ pid: 1, exe: '/bin/true' })).toBe('/bin/true')
  })
})

describe('an incident', () => {
  const incident = {
    rule: 'container.terminal-shell',
    details: { shell: 'bash' },
    lineage: [],
  } as unknown as Incident

  it('is told in a sentence, and by its rule if that is new', () => {
    expect(summary(incident)).toBe('bash was opened with a terminal')
    expect(summary({ ...incident, rule: 'future.rule' })).toBe('future.rule')
  })

  it('says what followed, and of protection itself that nothing does', () => {
    const alert = { ...incident, action: 'alert', stopped: false } as Incident
    expect(followed(alert)).toContain("the policy's action is to alert")
    expect(followed({ ...alert, would: 'kill' })).toContain('would have been: Kill')
    expect(followed({ ...alert, stopped: true, action: 'deny' })).toContain('Prevented')
    for (const rule of ['policy.rolled-back', 'sensor.coverage-gap', 'agent.responder-failed']) {
      expect(followed({ ...alert, rule })).toBe(
        "This tells of protection itself: no policy's action follows it.",
      )
    }
  })

  it('says in Chinese what an agent says of itself, and leaves what others wrote', async () => {
    await useLanguage('zh-CN')
    const details = { why: 'it did not answer within 500 ms' }
    const failed = { ...incident, rule: 'agent.responder-failed', details } as Incident
    expect(summary(failed)).toBe('拒绝功能失效放行：它在 500 毫秒内没有响应')
    const shell = { ...incident, details: { shell: 'it ended with 1' } } as Incident
    expect(summary(shell)).toContain('it ended with 1')
    expect(
      reasonOfNode({ code: 'deny.failed-open', message: '', params: { why: 'it was ended by signal 9' } }),
    ).toBe('拒绝功能曾失效放行：它被信号 9 结束。')
    expect(reasonOfNode({ code: 'new.code', message: 'it ended with 3', params: {} })).toBe('它以 3 结束')
    await useLanguage('en')
    expect(summary(failed)).toBe('Denial failed open: it did not answer within 500 ms')
  })

  it('keeps words of a container as words', () => {
    const details = { shell: '<b>{n} @:frame.close | x</b>' }
    expect(summary({ ...incident, details })).toBe('<b>{n} @:frame.close | x</b> was opened with a terminal')
  })
})

describe('words of the server', () => {
  it('are translated by code, or kept in English', async () => {
    expect(told('problem', 'policy.name-taken')).toBe('Another policy has this name.')
    expect(told('problem', 'never.heard-of', {}, 'The server says so.')).toBe('The server says so.')
    await useLanguage('zh-CN')
    expect(told('problem', 'policy.name-taken')).toBe('已有同名策略。')
    expect(counted('overview.open', 1234)).toBe('1,234 个安全事件待处置。')
    await useLanguage('en')
  })

  it('follow the plural', () => {
    expect(counted('overview.open', 1)).toBe('1 open incident.')
    expect(counted('overview.open', 12345)).toBe('12,345 open incidents.')
  })
})

describe('figures', () => {
  it('are written as the language does', () => {
    expect(number(12345)).toBe('12,345')
    expect(bytes(0)).toBe('0 bytes')
    expect(bytes(1)).toBe('1 byte')
    expect(bytes(184_300_000)).toBe('184.3 MB')
    expect(duration(45)).toBe('45 seconds')
    expect(duration(1560)).toBe('26 minutes')
    expect(duration(200_000)).toBe('2 days')
    expect(duration(47 * 3600 + 3599)).toBe('48 hours')
    expect(duration(71 * 3600)).toBe('3 days')
  })

  it('of a moment name the year where it is another one, and the zone where one looks closer', async () => {
    const now = new Date()
    const year = now.getFullYear()
    expect(dayAndTime(now.toISOString())).not.toContain(String(year))
    expect(dayAndTime(`${String(year + 1)}-06-15T12:00:00Z`)).toContain(String(year + 1))
    expect(dayAndTime(`${String(year - 1)}-06-15T12:00:00Z`)).toContain(String(year - 1))
    expect(moment(`${String(year - 1)}-06-15T12:00:00Z`)).toMatch(/UTC|GMT|[A-Z]{3,4}$/)
    await useLanguage('zh-CN')
    expect(dayAndTime(`${String(year - 1)}-06-15T12:00:00Z`)).toMatch(
      new RegExp(`^${String(year - 1)}年6月15日`),
    )
    await useLanguage('en')
  })
})

describe('a subject of the audit', () => {
  it('leads to its page where it has one', () => {
    expect(subjectLink('policy:01a2')).toEqual({ name: 'policy', params: { id: '01a2' } })
    expect(subjectLink('image:sha256:ab')).toEqual({ name: 'image', params: { id: 'sha256:ab' } })
    expect(subjectLink('user:alice')).toBeNull()
  })

  it('is shortened in the middle', () => {
    expect(subjectText('incident:e9c4da0af1cd587ff093cb957634d712')).toBe('incident e9c4da0a…d712')
    expect(subjectText('profile:registry.example/shop/web')).toBe('profile registry.example/shop/web')
    expect(subjectText('something:new')).toBe('something:new')
    expect(subjectText('advisories:settings')).toBe('settings of updates')
    expect(shortDigest(`sha256:${'a'.repeat(64)}`)).toBe('aaaaaaaaaaaa…')
  })
})

describe('a record of the audit', () => {
  it('names who did it', () => {
    expect(actorText('user:alice')).toBe('alice')
    expect(actorText('anonymous')).toBe('Nobody signed in')
    expect(actorText('node:01a22384ba5a73b3b34d3f8cd49dfdbd')).toBe('node 01a22384…fdbd')
  })

  it('says why something was denied, and what a person wrote as it is', () => {
    expect(reasonText({ outcome: 'denied', reason: 'sign-in-failed' })).toBe(
      'The user name or the password is wrong.',
    )
    expect(reasonText({ outcome: 'denied', reason: 'from-a-newer-server' })).toBe('from-a-newer-server')
    expect(reasonText({ outcome: 'done', reason: 'stale' })).toBe('stale')
    expect(reasonText({ outcome: 'denied', reason: '' })).toBe('–')
  })

  it('names its details, also where incidents call something else so', async () => {
    await useLanguage('zh-CN')
    expect(['before', 'vulnerabilities', 'path', 'from-a-newer-server'].map(factName)).toEqual([
      '原值',
      '漏洞',
      '路径',
      'from-a-newer-server',
    ])
    await useLanguage('en')
  })

  it('says in Chinese what the thing is', async () => {
    await useLanguage('zh-CN')
    expect(subjectText('token:01a22654467247ae3a41784774dcca01')).toBe('令牌 01a22654…ca01')
    expect(subjectText('advisories:settings')).toBe('漏洞库更新设置')
    expect(subjectParts('token:01a22654467247ae3a41784774dcca01').short).toBe(true)
    expect(subjectParts('profile:registry.example/platform/shop/web').short).toBe(false)
    await useLanguage('en')
  })

  it('says in Chinese why something failed', async () => {
    await useLanguage('zh-CN')
    expect(reasonText({ outcome: 'failed', reason: "there is no file 'a'" })).not.toMatch(/^there/)
    expect(reasonText({ outcome: 'done', reason: "there is no file 'a'" })).toBe("there is no file 'a'")
    await useLanguage('en')
  })
})
