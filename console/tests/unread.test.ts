import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Difference, Finding, ImageContent, ImageDetail, Registry, Vulnerability } from '@/api/types'
import ReadingCard from '@/components/registries/ReadingCard.vue'
import RegistryImages from '@/components/registries/RegistryImages.vue'
import RegistryStatus from '@/components/registries/RegistryStatus.vue'
import { NOT_LOOKED } from '@/components/images/looked'
import ComparePicker from '@/components/reports/ComparePicker.vue'
import Compare from '@/pages/Compare.vue'
import ImagePage from '@/pages/Image.vue'
import Images from '@/pages/Images.vue'
import type { Language } from '@/preferences'
import { mounted, serverSays } from './mounted'
import { IMAGE, REGISTRY } from './records'

/** Nothing of it could be read. */
const image: ImageDetail = {
  ...IMAGE,
  size: 0,
  packages: 0,
  complete: false,
  unknowns: [{ what: 'the image', why: 'it could not be read: cut off', incomplete: true, unjudged: 0 }],
}
const registry: Registry = { ...REGISTRY, repositories: 1, images: { done: 2, failed: 1 } }

afterEach(() => {
  vi.unstubAllGlobals()
  document.body.replaceChildren()
})

async function shown(told: ImageDetail): Promise<string> {
  serverSays({ '/images/undefined': told })
  const page = await mounted(ImagePage, {})
  await page.settle()
  const text = page.text()
  page.unmount()
  return text
}

describe('an image of which nothing could be read', () => {
  it('is said to be unknown, and not to be shown in part', async () => {
    const text = await shown(image)
    expect(text).toContain('Could not be read')
    expect(text).toContain('nothing is known of what is in it')
    expect(text).not.toContain('what is shown is true')
    expect(text).not.toContain('Incomplete')
    expect(text).not.toContain('Nothing in what could be read')
  })

  it('is not said to be read by anybody where what was submitted of it is gone', async () => {
    const gone = { ...image, scanned: null, matched: null, registries: 0, submissions: 1, unknowns: [] }
    const text = await shown(gone)
    expect(text).toContain('the submission that told of it is gone, or was replaced by another')
    expect(text).toContain('Nothing of what was sent is told any more')
    expect(text).not.toContain('is what a node or a registry has read')
    expect(text).not.toContain("A node's agent has not sent")
  })

  it('is told from one of which some was read', async () => {
    const text = await shown({ ...image, packages: 3, size: 100 })
    expect(text).toContain('Incomplete')
    expect(text).toContain('what is shown is true but not all')
    expect(text).not.toContain('nothing is known')
  })

  it('is so in the list, too', async () => {
    serverSays({ '/images': { items: [image], total: 1, cursor: null } })
    const page = await mounted(Images, {})
    await page.settle()
    expect([...page.root.querySelectorAll('.chip')].map((each) => each.textContent)).toContain(
      'Could not be read',
    )
    page.unmount()
  })
})

describe('an image of which something was not read that may hold packages', () => {
  it.each<[number, Language, string, string]>([
    [1, 'en', '1 thing not read', '1 file or package of this image was not read'],
    [1200, 'en', '1,200 things not read', '1,200 files or packages of this image were not read'],
    [2, 'zh-CN', '2 处未读取', '该镜像有 2 处未读取'],
  ])('(%i) is no all-clear (%s)', async (unread, language, chip, note) => {
    serverSays({
      '/images/undefined': { ...IMAGE, unread },
      '/images/undefined/vulnerabilities': { items: [], total: 0, cursor: null },
    })
    const page = await mounted(ImagePage, {}, language)
    await page.settle()
    expect([...page.root.querySelectorAll('.chip')].map((each) => each.textContent)).toContain(chip)
    expect(page.root.querySelector('.note')?.textContent).toContain(note)
    expect(page.root.querySelector('.note a')?.getAttribute('href')).toBe('/?tab=unknowns')
    expect(page.text()).not.toMatch(/No known vulnerability|No vulnerabilities|没有已知漏洞|没有漏洞[^。]/)
    expect(page.root.querySelector('.empty')?.textContent).toMatch(/were not read|未读取/)
    page.unmount()
  })

  it('says of packages that nobody judged, too', async () => {
    const text = await shown({ ...IMAGE, unjudged: 7, unread: 2 })
    expect(text).toContain('7 packages of this image were not judged')
    expect(text).toContain('2 files or packages of this image were not read')
  })

  it('is not shown as clean in the list', async () => {
    for (const [unread, words] of [
      [0, 'No vulnerabilities'],
      [2, '2 things not read'],
    ] as const) {
      serverSays({ '/images': { items: [{ ...IMAGE, unread }], total: 1, cursor: null } })
      const page = await mounted(Images, {})
      await page.settle()
      expect(page.text()).toContain(words)
      expect(page.text().includes('No vulnerabilities')).toBe(unread === 0)
      page.unmount()
    }
  })
})

describe('a registry that was read', () => {
  it.each<[Registry['images'], Language, string, string]>([
    [{ done: 2, failed: 1 }, 'en', 'caution', 'Read, 1 failed'],
    [{ done: 2, failed: 1 }, 'zh-CN', 'caution', '已读取，1 个失败'],
    [{ done: 2 }, 'en', 'ok', 'Read'],
  ])('with %o looks so (%s)', async (images, language, tone, label) => {
    const page = await mounted(RegistryStatus, { registry: { ...registry, images } }, language)
    const status = page.root.querySelector('.status')
    expect(status?.classList.contains(tone)).toBe(true)
    expect(status?.textContent.trim()).toBe(label)
    page.unmount()
  })
})

describe('a registry that was never listed', () => {
  const never: Registry = { ...registry, listed: null, images: {}, state: 'failed' }

  it.each<[Language, string]>([
    ['en', 'Not listed yet'],
    ['zh-CN', '尚未列出'],
  ])('is not said to have no image (%s)', async (language, words) => {
    const page = await mounted(ReadingCard, { registry: never }, language)
    expect(page.text()).toContain(words)
    expect([...page.root.querySelectorAll('dd')].map((each) => each.textContent.trim())).not.toContain('0')
    page.unmount()
  })

  it('has a list without a figure, and nobody knows what it has', async () => {
    serverSays({ '/registries/r1/images': { items: [], total: 0, cursor: null } })
    const page = await mounted(RegistryImages, { registry: never })
    await page.settle()
    expect(page.root.querySelector('h2')?.textContent.trim()).toBe('Images')
    expect(page.text()).toContain('nobody knows what it has')
    page.unmount()
  })

  it('has a figure once it was listed', async () => {
    const page = await mounted(ReadingCard, {
      registry: { ...never, state: 'done', listed: registry.listed },
    })
    expect([...page.root.querySelectorAll('dd')].map((each) => each.textContent.trim())).toContain('0')
    page.unmount()
  })
})

const content: ImageContent = {
  secrets: [],
  malware: [],
  config: [],
  licenses: [],
  suppressed: [],
  said_by: {},
}

async function contentOf(told: ImageDetail, found: ImageContent): Promise<string> {
  serverSays({ '/images/undefined': told, '/images/undefined/content': found })
  const page = await mounted(ImagePage, {}, 'en', '/?tab=content')
  await page.settle()
  await page.settle()
  const text = page.text()
  page.unmount()
  return text
}

describe('what nobody looked for in a submission', () => {
  const missing = ['secrets', 'malware', 'configuration'].map((what) => ({
    what,
    why: NOT_LOOKED,
    incomplete: false,
    unjudged: 0,
  }))

  it('is said as the server says it', () => {
    const server = readFileSync('../src/hullguard/ctrl/routes/submissions.py', 'utf8')
    expect(server).toContain(`"${NOT_LOOKED}"`)
  })

  it('has no figure, and it is said how it would be found', async () => {
    const text = await contentOf({ ...IMAGE, unknowns: missing }, content)
    expect(text).toContain('Secrets and configuration not looked for')
    expect(text).toContain('Not looked for: Malware, Secrets, and Configuration')
    expect(text).toContain('hullguard submit IMAGE')
    expect(text).not.toContain('Nothing was found')
  })

  it('is named alone where something else was looked for and found', async () => {
    const secret = {
      title: 'a key',
      rule: 'key',
      severity: 'high',
      path: '/k',
      line: 1,
      match: '…',
      layer: null,
    }
    const found = { ...content, secrets: [{ ...secret, deleted: false }] } as unknown as ImageContent
    const text = await contentOf({ ...IMAGE, unknowns: missing.slice(1) }, found)
    expect(text).toContain('Secrets and configuration 1')
    expect(text).toContain('Not looked for: Malware and Configuration')
  })

  it('is nothing where all of it was looked for', async () => {
    const text = await contentOf(IMAGE, content)
    expect(text).toContain('Secrets and configuration 0')
    expect(text).toContain('Licences 0')
    expect(text).toContain('Nothing was found')
    expect(text).not.toContain('ot looked for')
  })
})

const finding = (id: string, severity: Finding['severity']) =>
  ({
    id,
    severity,
    package: `pkg:npm/${id}@1`,
    installed: '1',
    fixed: null,
    status: 'affected',
    kev: false,
  }) as Vulnerability

const difference = {
  schema: 'hullguard/scan-diff/1',
  verdict: 'better',
  sentence: 'better: 1 fewer critical',
  added: [],
  removed: [],
  changed: [],
  new: [],
  // By priority, as the server has them.
  fixed: [finding('CVE-1', 'high'), finding('CVE-2', 'critical'), finding('CVE-3', 'high')],
  still: [],
  upgrades: [],
  unknowns_before: [],
  unknowns_after: [],
} as unknown as Difference

async function compared(
  before: Partial<ImageDetail>,
  after: Partial<ImageDetail>,
  made: Partial<Difference> = {},
): Promise<string[]> {
  serverSays({
    '/images/a/difference': { ...difference, ...made },
    '/images/a': { ...IMAGE, ...before, names: ['shop:1'] },
    '/images/b': { ...IMAGE, ...after, names: ['shop:2'] },
  })
  const page = await mounted(Compare, {}, 'en', '/compare/a/b')
  await page.settle()
  const shown = [
    page.text(),
    ...[...page.root.querySelectorAll('.tabs button')].map((each) => each.textContent.trim()),
  ]
  page.unmount()
  return shown
}

describe('a comparison', () => {
  const unread = { complete: false, packages: 0, size: 0 }
  const undecided = {
    verdict: 'undecided',
    sentence: 'undecided: one of the two was not read to its end',
  } as const

  it.each([
    [unread, {}, 'shop:1'],
    [{}, unread, 'shop:2'],
  ])('with one of which nothing is known says so, and claims nothing', async (before, after, name) => {
    const [text, ...tabs] = await compared(before, after, undecided)
    expect(text).toContain(`Nothing of ${name} could be read`)
    expect(tabs).toEqual([])
    expect(text).not.toContain('Fixed')
    expect(text).not.toContain('CVE-1')
  })

  it('with one of which not all was read calls nothing fixed or new', async () => {
    const [text, ...tabs] = await compared({}, { complete: false }, undecided)
    expect(tabs.slice(0, 2)).toEqual(['No longer found 3', 'Newly found 0'])
    expect(text).toContain('does not mean that it is fixed')
  })

  it('of two that nobody judged is undecided, and says once what was not judged', async () => {
    const nobody = {
      what: 'Debian:14',
      why: 'there are no advisories for it',
      incomplete: false,
      unjudged: 7,
    }
    const [text] = await compared(
      { unjudged: 7 },
      { unjudged: 7 },
      {
        verdict: 'undecided',
        sentence: 'undecided: nothing is found more or less, but not all packages were judged',
        fixed: [],
        unknowns_before: [nobody],
        unknowns_after: [nobody],
      },
    )
    expect(text).toContain('Undecided')
    expect(text).toContain('nothing is found more or less, but not all packages were judged')
    expect(text?.match(/there are no advisories for it/g)).toHaveLength(1)
  })

  it('of one of which packages were not judged does not show it as clean', async () => {
    const [text] = await compared({}, { unjudged: 96 })
    expect(text).toContain('shop:296 packages not judged')
  })

  it('of one of which something was not read does not show it as clean', async () => {
    const [text] = await compared({}, { unread: 4 })
    expect(text).toContain('shop:24 things not read')
  })

  it("has the gravest first, and those alike in the server's order", async () => {
    const [text = '', ...tabs] = await compared({}, {})
    expect(tabs[0]).toBe('Fixed 3')
    const places = ['CVE-2', 'CVE-1', 'CVE-3'].map((id) => text.indexOf(id))
    expect(places).toEqual([...places].sort((a, b) => a - b))
    expect(text).not.toContain('does not mean that it is fixed')
  })

  it('has no check mark beside what it cannot know', async () => {
    const mark = async (made: Partial<Difference>) => {
      serverSays({
        '/images/a/difference': { ...difference, ...made },
        '/images/a': IMAGE,
        '/images/b': IMAGE,
      })
      const page = await mounted(Compare, {}, 'en', '/compare/a/b?tab=packages')
      await page.settle()
      const icon = page.root.querySelector('.empty svg')?.innerHTML
      page.unmount()
      return icon
    }
    const [known, unknown] = [await mark({}), await mark(undecided)]
    expect(known).toBeTruthy()
    expect(unknown).toBeTruthy()
    expect(unknown).not.toBe(known)
  })

  it('is there after another try where one of the two could not be had', async () => {
    const answers: Record<string, unknown> = { '/images/a/difference': difference, '/images/b': IMAGE }
    serverSays(answers)
    const page = await mounted(Compare, {}, 'en', '/compare/a/b')
    await page.settle()
    expect(page.root.querySelector('.tabs')).toBeNull()
    answers['/images/a'] = IMAGE
    await page.click('Try again')
    await page.settle()
    expect(page.root.querySelector('.tabs')).not.toBeNull()
    page.unmount()
  })

  it('is not offered of, nor with, an image that could not be read', async () => {
    const other = { ...image, id: 'sha256:other', names: ['registry.example/shop:0'] }
    const partly = { ...image, id: 'sha256:partly', names: ['registry.example/shop:2'], packages: 3 }
    serverSays({ '/images': { items: [other, partly], total: 2, cursor: null }, '/images/undefined': image })
    HTMLDialogElement.prototype.showModal = vi.fn()
    const picker = await mounted(ComparePicker, { image })
    await picker.settle()
    const lines = [...document.querySelectorAll('dialog li')]
    expect(lines.map((each) => each.querySelector('.chip')?.textContent)).toEqual([
      'Could not be read',
      'Incomplete',
    ])
    expect(lines.map((each) => each.querySelectorAll('a').length)).toEqual([0, 1])
    picker.unmount()
    expect(await shown(image)).not.toContain('Compare with')
    expect(await shown({ ...image, packages: 3, size: 1 })).toContain('Compare with')
  })
})
