import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ImageContent, ImageDetail } from '@/api/types'
import ContentList from '@/components/images/ContentList.vue'
import SuppressedList from '@/components/images/SuppressedList.vue'
import UnknownList from '@/components/images/UnknownList.vue'
import ImagePage from '@/pages/Image.vue'
import { mounted, serverSays, type Mounted } from './mounted'
import { IMAGE } from './records'

const MANY = 10_000
const content: ImageContent = {
  secrets: [],
  malware: [],
  config: [],
  licenses: [],
  suppressed: [],
  said_by: {},
}
const secret = {
  rule: 'github-pat',
  title: 'GitHub token',
  severity: 'critical',
  path: 'srv/app/.env',
  line: 3,
  match: 'ghp_…f9',
  layer: null,
  deleted: false,
}
const secrets = (count: number) =>
  ({ ...content, secrets: Array.from({ length: count }, () => secret) }) as unknown as ImageContent
const list = { items: [], total: 0, cursor: null }

afterEach(() => {
  vi.unstubAllGlobals()
  document.body.replaceChildren()
})

async function tab(name: string, image: Partial<ImageDetail>, answers: object): Promise<Mounted> {
  const told = { ...IMAGE, ...image }
  serverSays({ '/images/i1': told, '/images/i1/vulnerabilities': list, ...answers })
  const page = await mounted(ImagePage, {}, 'en', `/image/i1?tab=${name}`)
  await page.settle()
  await page.settle()
  return page
}

describe.each(['content', 'licences', 'suppressed'])('the tab %s of an image', (name) => {
  it('says that it could not be read, and not that the image was not', async () => {
    const page = await tab(name, {}, {})
    expect(page.text()).toContain('What was found in this image could not be read')
    expect(page.text()).not.toContain('Not known yet')
    page.unmount()
  })

  it('is there after another try', async () => {
    const answers: Record<string, unknown> = {}
    const page = await tab(name, {}, answers)
    serverSays({ '/images/i1': IMAGE, '/images/i1/content': content })
    await page.click('Try again')
    await page.settle()
    expect(page.text()).not.toContain('could not be read')
    expect(page.text()).not.toContain('Not known yet')
    page.unmount()
  })

  it('says that the image was not read where it was not', async () => {
    const page = await tab(name, { scanned: null, matched: null }, {})
    expect(page.text()).toContain('Not known yet')
    page.unmount()
  })
})

it('says of no finding that it counts before findings are known', async () => {
  const page = await tab('suppressed', { matched: null }, { '/images/i1/content': content })
  expect(page.text()).toContain('Not known yet')
  expect(page.text()).not.toContain('Everything that was found counts')
  page.unmount()
})

describe('what was found in an image that was looked into in part', () => {
  it('may not be all', async () => {
    const found = { content: secrets(1), layers: [], unlooked: [] }
    const partly = await mounted(ContentList, { ...found, complete: false })
    expect(partly.text()).toContain('there may be more')
    partly.unmount()
    const whole = await mounted(ContentList, { ...found, complete: true })
    expect(whole.text()).not.toContain('there may be more')
    whole.unmount()
  })
})

const suppressed = Array.from({ length: MANY }, (_, index) => ({
  vulnerability: {
    id: `CVE-2024-${String(index)}`,
    package: 'pkg:deb/a',
    installed: '1',
    severity: 'low',
  },
  by: 'distribution',
  why: '',
  source: '',
}))
const unknowns = Array.from({ length: MANY }, () => ({
  what: 'a',
  why: 'cut off',
  incomplete: true,
  unjudged: 0,
}))

describe.each([
  [
    'secrets',
    ContentList,
    { content: secrets(MANY), layers: [], complete: true, unlooked: [] },
    'Secrets 10000',
  ],
  ['findings that do not count', SuppressedList, { suppressed }, 'CVE-2024-99'],
  ['unknowns', UnknownList, { unknowns, known: true }, 'cut off'],
])('ten thousand %s', (_, component, props, told) => {
  it('are shown a hundred at a time, and can all be come to', async () => {
    const page = await mounted(component, props)
    expect(page.text()).toContain(told)
    expect(page.root.querySelectorAll('li')).toHaveLength(100)
    await page.click('Show 100 more')
    expect(page.root.querySelectorAll('li')).toHaveLength(200)
    page.unmount()
  })
})
