import { effectScope } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import VulnerabilityDetail from '@/components/images/VulnerabilityDetail.vue'
import VulnerabilityTable from '@/components/images/VulnerabilityTable.vue'
import { useSearch } from '@/components/shell/search'
import { useLanguage } from '@/i18n'
import Images from '@/pages/Images.vue'
import { mounted, serverSays } from './mounted'

vi.mock('@/session', () => ({ can: (permission: string) => permission === 'images:read' }))

const image = {
  id: 'sha256:1',
  names: ['shop/checkout:2'],
  os: null,
  vulnerabilities: { critical: 0, high: 1, medium: 0, low: 0, negligible: 0, unknown: 0 },
  fixable: 0,
  complete: true,
  unjudged: 0,
  unread: 0,
  scanned: '2026-11-01T00:00:00Z',
  matched: '2026-11-01T00:00:00Z',
  nodes: 1,
  containers: 0,
  registries: 0,
  submissions: 0,
  kind: null,
}
const finding = {
  id: 'CVE-2022-34265',
  advisory: 'RHSA-2022:1234',
  aliases: ['GHSA-p64x-8rxx-wf6q', 'CVE-2022-34265', 'RHSA-2022:1234'],
  package: 'pkg:pypi/django@4.0.5',
  installed: '4.0.5',
  fixed: null,
  status: 'affected',
  severity: 'critical',
  severity_source: null,
  summary: '',
  kev: false,
  epss: null,
  cvss: [],
  layer: null,
  new: false,
  first_found: '2026-11-01T00:00:00Z',
  priority: { score: 0, reasons: [] },
  use: { use: 'unknown', file: null, last: null, since: null, containers: 0, why: 'unwatched' },
  why: { rule: 'version', evidence: '4.0.5 is affected' },
}
const page = { items: [image], total: 1, cursor: null }

beforeEach(() => useLanguage('en'))
afterEach(() => {
  vi.unstubAllGlobals()
  document.body.innerHTML = ''
})

function searching() {
  const scope = effectScope()
  const search = scope.run(useSearch)
  if (!search) throw new Error('the scope is over')
  return { search, stop: () => scope.stop() }
}

describe('looking for a vulnerability', () => {
  it('finds the images that have it, and leads to it in them', async () => {
    const asked = serverSays({ '/images': page })
    const { search, stop } = searching()
    search.look('cve-2022-34265')
    await vi.waitFor(() => expect(search.groups.value).toHaveLength(1))
    stop()
    expect(asked).toEqual([expect.stringMatching(/[?]vulnerability=cve-2022-34265&limit=4$/)])
    const [found] = search.groups.value
    expect(found?.all).toEqual({ vulnerability: 'cve-2022-34265' })
    expect(found?.hits[0]).toMatchObject({
      title: 'shop/checkout:2',
      to: { name: 'image', params: { id: 'sha256:1' }, query: { q: 'cve-2022-34265' } },
    })
  })

  it('asks for names by anything else', async () => {
    const asked = serverSays({ '/images': page })
    const { search, stop } = searching()
    search.look('cve-scanner')
    await vi.waitFor(() => expect(search.groups.value).toHaveLength(1))
    stop()
    expect(asked).toEqual([expect.stringMatching(/[?]q=cve-scanner&limit=4$/)])
    expect(search.groups.value[0]?.hits[0]?.to).toEqual({
      name: 'image',
      params: { id: 'sha256:1' },
      query: {},
    })
  })

  it('is shown by a chip in the list of images, which goes away', async () => {
    const asked = serverSays({ '/images': page })
    const seen = await mounted(Images, {}, 'en', '/images?vulnerability=CVE-2022-34265')
    await seen.settle()
    expect(asked[0]).toContain('vulnerability=CVE-2022-34265')
    expect(seen.root.querySelector('.filter-chip')?.textContent).toMatch(/Vulnerability\s+CVE-2022-34265/)
    const link = [...seen.root.querySelectorAll('a')].find((each) => each.textContent.includes('checkout'))
    expect(link?.getAttribute('href')).toContain('q=CVE-2022-34265')
    seen.root.querySelector<HTMLElement>('.filter-chip')?.click()
    await vi.waitFor(() => expect(seen.root.querySelector('.filter-chip')).toBeNull())
    expect(asked.at(-1)).not.toContain('vulnerability=')
    seen.unmount()
  })
})

describe('the drawer of a finding', () => {
  it.each(['en', 'zh-CN'] as const)(
    'leads to the public pages of each of its names, in %s',
    async (language) => {
      const seen = await mounted(
        VulnerabilityDetail,
        { vulnerability: finding, layer: 0, image: { id: 'sha256:1', names: [] } },
        language,
      )
      const links = [...seen.root.querySelectorAll<HTMLAnchorElement>('a[target=_blank]')]
      expect(links.map((each) => [each.textContent, each.getAttribute('href')])).toEqual([
        ['CVE-2022-34265', 'https://www.cve.org/CVERecord?id=CVE-2022-34265'],
        ['RHSA-2022:1234', 'https://osv.dev/vulnerability/RHSA-2022%3A1234'],
        ['GHSA-p64x-8rxx-wf6q', 'https://osv.dev/vulnerability/GHSA-p64x-8rxx-wf6q'],
      ])
      for (const link of links) expect(link.rel).toBe('noopener noreferrer')
      seen.unmount()
    },
  )

  it('lets no name lead elsewhere', async () => {
    const hostile = { ...finding, id: 'x"/../?a=//evil.example#', aliases: ['javascript:alert(1)'] }
    const seen = await mounted(VulnerabilityDetail, {
      vulnerability: hostile,
      layer: 0,
      image: { id: 'sha256:1', names: [] },
    })
    for (const link of seen.root.querySelectorAll<HTMLAnchorElement>('a[target=_blank]')) {
      expect(link.host).toBe('osv.dev')
      expect([link.search, link.hash]).toEqual(['', ''])
    }
    seen.unmount()
  })
})

describe('the findings of an image', () => {
  it('are put in the order that is chosen', async () => {
    const asked = serverSays({ '/images/i/vulnerabilities': { items: [], total: 0, cursor: null } })
    const seen = await mounted(
      VulnerabilityTable,
      { id: 'i', names: [], layers: [], known: true, complete: true, judged: true, whole: true },
      'en',
      '/image/i',
    )
    const choice = [...seen.root.querySelectorAll<HTMLSelectElement>('select')].at(-1)
    if (!choice) throw new Error('nothing to choose from')
    expect([...choice.options].map((each) => each.text.trim())).toEqual(['Severity', 'Priority', 'Newest'])
    for (const order of ['-priority', '-first_found']) {
      choice.value = order
      choice.dispatchEvent(new Event('change'))
      await vi.waitFor(() => expect(asked.at(-1)).toContain(`sort=${order}`))
    }
    seen.unmount()
  })
})
