import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Overview } from '@/api/types'
import ExpiresCard from '@/components/overview/ExpiresCard.vue'
import HandleCard from '@/components/overview/HandleCard.vue'
import Page from '@/pages/Overview.vue'
import { IMAGE } from './records'
import { mounted, serverSays, type Mounted } from './mounted'

const HOUR = 3_600_000
const before = (hours: number) => new Date(Date.now() - hours * HOUR).toISOString()

const KNOWN = { images: 0, unscanned: 0, incomplete: 0, unmatched: 0, unjudged: 0, unread: 0 }

/** A house in which everything is well. */
const well: Overview = {
  nodes: { protected: 1, degraded: 0, unprotected: 0, offline: 0, total: 1 },
  nodes_drifting: 0,
  quota_total: 10,
  quota_used: 1,
  incidents_open: {},
  incidents_per_day: [],
  images: 0,
  images_running: 0,
  images_at_risk: 0,
  doubts: KNOWN,
  doubts_running: KNOWN,
  top_images: [],
  vulnerabilities: {},
  containers: 0,
  advisories_built: before(2),
  advisories_sources: ['Debian:12'],
  advisories_trouble: null,
  advisories_update: 'done',
  advisories_every_hours: 24,
  registries_troubled: 0,
}
const nothing = { items: [], total: 0, cursor: null }

let page: Mounted | null = null
afterEach(() => {
  page?.unmount()
  page = null
  vi.unstubAllGlobals()
})

async function shown(changes: Partial<Overview>, language: 'en' | 'zh-CN' = 'en') {
  serverSays({ '/overview': { ...well, ...changes }, '/incidents': nothing, '/nodes': nothing })
  page = await mounted(Page, {}, language)
  await page.settle()
  return page
}

describe('the overview', () => {
  it('is calm where everything is well', async () => {
    const text = (await shown({})).text()
    expect(text).toContain('Every node is protected and nothing waits to be handled.')
    expect(text).toContain('Nothing to handle.')
    expect(text).toContain('Up to date')
  })

  it('names registries that cannot be read and an update that failed, and leads to them', async () => {
    const { text, root } = await shown({
      registries_troubled: 2,
      advisories_update: 'failed',
      advisories_built: before(30),
    })
    expect(text()).not.toMatch(/nothing waits|Nothing to handle|Up to date/)
    const sentence =
      'Every node is protected. No open incident. The last update of the advisories failed. 2 registries cannot be read, or only in part.'
    expect(text()).toContain(sentence)
    const links = [...root.querySelectorAll<HTMLAnchorElement>('.troubles a')]
    expect(links.map((each) => [each.textContent, each.getAttribute('href')])).toEqual([
      ['The last update of the advisories failed.', '/advisories'],
      ['2 registries cannot be read, or only in part.', '/registries'],
    ])
    expect(text()).toContain('The last update failed')
  })

  it('says so in Chinese', async () => {
    const text = (await shown({ registries_troubled: 1, advisories_update: 'partial' }, 'zh-CN')).text()
    expect(text).toContain(
      '所有节点均已防护，没有待处置的安全事件。漏洞库最近一次更新只完成了一部分。1 个镜像仓库无法读取，或只能部分读取。',
    )
  })

  it('names a database that cannot be used', async () => {
    const text = (await shown({ advisories_trouble: 'it is damaged' })).text()
    expect(text).toContain('No open incident. The advisory database cannot be used.')
  })
})

describe('the advisory database', () => {
  it.each([
    [2, 'done', 'Up to date'],
    [30, 'done', 'Up to date'],
    [2, 'failed', 'The last update failed'],
    [2, 'partial', 'The last update was done in part'],
    [25, 'failed', 'The last update failed'],
    [25, 'partial', 'The last update was done in part'],
    [25, null, '1 day old'],
    [23, null, 'Up to date'],
    [47, null, '2 days old'],
    [24 * 5 + 1, 'done', '5 days old'],
    [24 * 5 + 1, 'failed', 'The last update failed'],
  ] as const)('%s hours old after an update that is %s: %s', async (hours, last, words) => {
    const overview = { ...well, advisories_built: before(hours), advisories_update: last }
    page = await mounted(ExpiresCard, { overview })
    const said = page.root.querySelector('dd')?.textContent ?? ''
    expect(said).toContain(words)
    if (words !== 'Up to date') expect(said).not.toContain('Up to date')
    if (last === 'failed') expect(said).toContain('In use: data of')
  })

  it('is not up to date where it should be younger', async () => {
    const overview = { ...well, advisories_every_hours: 1, advisories_update: null }
    page = await mounted(ExpiresCard, { overview })
    expect(page.text()).toContain('Less than a day old')
  })
})

describe('running images of which not all is known', () => {
  const running = { ...well, images: 3, images_running: 2 }
  const doubts_running = { images: 2, unscanned: 0, incomplete: 1, unmatched: 0, unjudged: 1, unread: 1 }

  it('are no all-clear, and lead to their list', async () => {
    const { text, root } = await shown({ ...running, doubts_running })
    expect(text()).not.toMatch(/nothing waits|No vulnerabilities|No running image/)
    expect(text()).toContain(
      'Every node is protected. No open incident. 2 running images are not known in full.',
    )
    expect(text()).toContain(
      '2 running images are not known in full (1 incomplete, 1 with packages not judged, 1 with things not read)',
    )
    expect(text()).toContain('Nothing that was read and judged in the running images')
    expect(root.querySelector('#risk a')?.textContent.trim()).toBe('–')
    const link = root.querySelector<HTMLAnchorElement>('.doubts a')
    expect(link?.getAttribute('href')).toBe('/images?running=true&whole=false')
  })

  it('are told beside those in which something was found', async () => {
    const image = { ...IMAGE, unjudged: 3, vulnerabilities: { high: 1 } }
    const found = { images_at_risk: 1, top_images: [image], vulnerabilities: { high: 1 } }
    const { text, root } = await shown({ ...running, ...found, doubts_running }, 'zh-CN')
    expect(root.querySelector('#risk a')?.textContent.trim()).toBe('1')
    expect(root.querySelector('tbody .chip')?.textContent).toBe('3 个软件包无法判断')
    expect(text()).toContain(
      '2 个正在运行的镜像未能全部读取或判断（1 个不完整、1 个有软件包未经判断、1 个有内容未读取），未显示内容并不代表没有问题。',
    )
  })

  it('are none where all is known', async () => {
    const { text, root } = await shown(running)
    expect(root.querySelector('.doubts')).toBeNull()
    expect(text()).toContain('No running image has a serious vulnerability with a fix.')
    expect(text()).toContain('No vulnerabilities')
    expect(root.querySelector('#risk a')?.textContent.trim()).toBe('0')
  })
})

describe('what is to be handled', () => {
  it('is nothing without incidents and troubles', async () => {
    serverSays({ '/incidents': nothing })
    page = await mounted(HandleCard, { overview: well })
    expect(page.root.querySelector('.troubles')).toBeNull()
    expect(page.text()).toContain('Nothing to handle.')
  })
})
