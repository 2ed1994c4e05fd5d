import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Problem } from '@/api/client'
import type { ImageDetail, Registry, RegistryImage } from '@/api/types'
import ImageFacts from '@/components/images/ImageFacts.vue'
import DueMoment from '@/components/registries/DueMoment.vue'
import { placeOf } from '@/components/registries/fields'
import { troubleDetail, troubleTitle } from '@/components/registries/trouble'
import DownloadMenu from '@/components/reports/DownloadMenu.vue'
import RegistryImages from '@/components/registries/RegistryImages.vue'
import { senderText } from '@/components/submissions/sender'
import { useLanguage } from '@/i18n'
import { ago, until } from '@/i18n/format'
import { mounted, serverSays } from './mounted'
import { REGISTRY } from './records'

const registry: Registry = { ...REGISTRY, state: 'failed', repositories: 2 }

beforeEach(() => useLanguage('en'))
afterEach(() => {
  vi.unstubAllGlobals()
  document.body.replaceChildren()
})

describe('when a registry is listed next', () => {
  it('tells what is to come, and what is past, as that', () => {
    const now = Date.parse('2026-11-02T00:00:00Z')
    expect(until('2026-11-02T06:20:00Z', now)).toBe('in 6 hr.')
    // Of 90 days 90 are left a moment later, and of a day a day.
    expect(until('2027-01-30T23:59:57Z', now)).toBe('in 90 days')
    expect(until('2026-11-02T23:59:57Z', now)).toBe('tomorrow')
    expect(until('2026-11-02T00:59:57Z', now)).toBe('in 1 hr.')
    // Nor is what is nearly two days old one day old.
    expect(ago('2026-10-31T00:00:03Z', now)).toBe('2 days ago')
    expect(ago('2026-10-31T01:00:00Z', now)).toBe('2 days ago')
    expect(ago('2026-10-31T18:00:00Z', now)).toBe('yesterday')
    expect(ago('2026-11-01T22:01:00Z', now)).toBe('2 hr. ago')
    expect(ago('2026-11-01T23:00:10Z', now)).toBe('1 hr. ago')
    expect(ago('2026-11-01T23:59:01Z', now)).toBe('59 sec. ago')
    expect(until('2026-11-01T00:00:00Z', now)).toBe('now')
    expect(ago('2026-11-01T18:00:00Z', now)).toBe('6 hr. ago')
  })

  const soon = new Date(Date.now() + 120_000).toISOString()

  it.each<[Partial<Registry>, 'en' | 'zh-CN', string]>([
    [{ due: soon, retry: soon }, 'en', 'tried again in 2 min.'],
    [{ due: soon, retry: soon }, 'zh-CN', '2分钟后重试'],
    [{ due: soon, retry: null }, 'en', 'in 2 min.'],
    // A listing that is due before the retry is one.
    [{ due: soon, retry: new Date(Date.now() + 999_000).toISOString() }, 'en', 'in 2 min.'],
    [{ due: null, retry: null }, 'en', 'By hand only'],
  ])('with %o is told (%s)', async (changes, language, words) => {
    const page = await mounted(DueMoment, { registry: { ...registry, ...changes } }, language)
    expect(page.text().trim()).toBe(words)
    page.unmount()
  })
})

describe('the images of a registry', () => {
  it('have the vulnerabilities that the list of images has, and no figure where nothing is known', async () => {
    const row = {
      repository: 'shop',
      platform: 'linux/amd64',
      digest: 'sha256:d',
      code: '',
      why: '',
      seen: registry.changed_at,
    }
    const known = {
      id: 'sha256:i',
      scanned: registry.changed_at,
      matched: registry.changed_at,
      complete: true,
      unjudged: 0,
      unread: 0,
      names: [],
    }
    const items = [
      {
        ...row,
        id: '1',
        tag: '1',
        image_id: 'sha256:i',
        state: 'done',
        read: null,
        image: { ...known, vulnerabilities: { high: 4 } },
      },
      { ...row, id: '2', tag: '2', image_id: null, state: 'waiting', read: null, image: null },
      {
        ...row,
        id: '3',
        tag: '3',
        image_id: 'sha256:u',
        state: 'failed',
        read: null,
        image: { ...known, complete: false, packages: 0, size: 0, vulnerabilities: {} },
      },
    ] as unknown as RegistryImage[]
    serverSays({ '/registries/r1/images': { items, total: 3, cursor: null } })
    const page = await mounted(RegistryImages, { registry })
    await page.settle()
    const told = [...page.root.querySelectorAll('td[data-label="Vulnerabilities"]')].map((each) =>
      each.textContent.trim(),
    )
    expect(told).toEqual(['HHigh4', '–', 'Could not be read'])
    page.unmount()
  })
})

describe('what failed, in the words of a code that is new', () => {
  it('has its digests shortened', () => {
    const hex = 'a'.repeat(64)
    const said = `layer sha256:${hex} is no tar archive`
    expect(troubleTitle('image.newer', said)).toBe('layer sha256:aaaaaaaa…aaaa is no tar archive')
    expect(troubleDetail('image.newer', said)).toBe('')
  })
})

describe('the files of an image', () => {
  it.each([
    ['/?q=openssl', true],
    ['/?layer=sha256:1', true],
    ['/?severity=high', false],
  ])('at %s say whether they have more than the list', async (at, told) => {
    const image = { id: 'sha256:1', matched: registry.changed_at } as unknown as ImageDetail
    const page = await mounted(DownloadMenu, { image }, 'en', at)
    page.root.querySelector('button')?.click()
    await page.settle()
    expect(page.text().includes('more than the list shows')).toBe(told)
    page.unmount()
  })
})

describe('a name that another registry has', () => {
  it('is shown at the name, though the server names no field', () => {
    const taken = new Problem(409, 'registry.name-taken', 'there is a registry named x already')
    expect(placeOf(taken)).toEqual({ field: 'name', item: null })
    expect(placeOf(new Problem(409, 'registry.too-many', 'no more are kept'))).toBeNull()
    expect(placeOf(null)).toBeNull()
  })
})

describe('who submitted something', () => {
  it.each([
    [{ by: 'user:omar', user: 'omar', token: null }, 'omar', 'omar'],
    [{ by: 'token:t1', user: 'omar', token: 'shop' }, 'shop, a token of omar', 'omar 的令牌“shop”'],
    [
      { by: 'token:t1', user: 'omar', token: null },
      'a token of omar that is gone',
      'omar 的令牌（已不存在）',
    ],
    [{ by: 'token:t1', user: null, token: null }, 'token t1', '令牌 t1'],
  ])('as %o is named', async (sent, english, chinese) => {
    expect(senderText(sent)).toBe(english)
    await useLanguage('zh-CN')
    expect(senderText(sent)).toBe(chinese)
  })
})

describe('the end of security support', () => {
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)

  it.each<[number, 'en' | 'zh-CN', string]>([
    [-1, 'en', 'security support ended'],
    [-1, 'zh-CN', '安全支持已于'],
    // The last day counts.
    [0, 'en', 'security support ends'],
    [40, 'en', 'security support ends'],
  ])('%s days from now is told as that (%s)', async (days, language, words) => {
    const os = { id: 'debian', version: '12', codename: null, name: 'Debian', end_of_life: day(days) }
    const image = { id: 'sha256:1', names: [], os, registries: 0, nodes: 0 } as unknown as ImageDetail
    const page = await mounted(ImageFacts, { image }, language)
    expect(page.text()).toContain(words)
    page.unmount()
  })
})
