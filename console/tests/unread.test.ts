import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ImageDetail, Registry } from '@/api/types'
import RegistryStatus from '@/components/registries/RegistryStatus.vue'
import { emptyRegistry } from '@/components/registries/draft'
import ImagePage from '@/pages/Image.vue'
import Images from '@/pages/Images.vue'
import type { Language } from '@/preferences'
import { mounted, serverSays } from './mounted'

const image: ImageDetail = {
  id: `sha256:${'a'.repeat(64)}`,
  names: ['registry.example/shop:1'],
  platform: null,
  os: null,
  size: 0,
  packages: 0,
  vulnerabilities: {},
  fixable: 0,
  complete: false,
  scanned: '2026-11-02T00:00:00Z',
  matched: '2026-11-02T00:00:00Z',
  advisories_built: '2026-11-01T00:00:00Z',
  nodes: 0,
  containers: 0,
  registries: 1,
  submissions: 0,
  submitted: false,
  kind: null,
  layers: [],
  unknowns: [{ what: 'the image', why: 'it could not be read: cut off', incomplete: true }],
}
const registry: Registry = {
  id: 'r1',
  version: 1,
  spec: emptyRegistry(),
  has_password: false,
  created: '2026-11-01T00:00:00Z',
  changed_at: '2026-11-02T00:00:00Z',
  changed_by: 'user:alice',
  comment: '',
  state: 'done',
  trouble: null,
  listed: '2026-11-02T00:00:00Z',
  due: null,
  repositories: 1,
  images: { done: 2, failed: 1 },
}

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
