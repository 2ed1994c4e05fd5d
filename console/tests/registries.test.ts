import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Problem } from '@/api/client'
import type { ImageSummary, Registry, RegistrySpec } from '@/api/types'
import { differences } from '@/components/registries/difference'
import DeleteRegistry from '@/components/registries/DeleteRegistry.vue'
import {
  bareAddress,
  draftOf,
  emptyRegistry,
  inputOf,
  passwordNeeded,
  passwordOf,
  specOf,
} from '@/components/registries/draft'
import { registryPlace } from '@/components/registries/fields'
import ImageStates from '@/components/registries/ImageStates.vue'
import RegistryForm from '@/components/registries/RegistryForm.vue'
import { scheduleText } from '@/components/registries/schedule'
import { isBusy, progressOf } from '@/components/registries/states'
import { troubleDetail, troubleStep, troubleTitle } from '@/components/registries/trouble'
import TroubleNote from '@/components/registries/TroubleNote.vue'
import WhereMarks from '@/components/images/WhereMarks.vue'
import en from '@/i18n/en'
import { useLanguage } from '@/i18n'
import { mounted, serverSays } from './mounted'

const spec: RegistrySpec = {
  name: 'shop',
  address: 'registry.example:5000',
  insecure: false,
  username: 'scanner',
  ca: '',
  repositories: ['shop/*', 'base'],
  tags: ['*'],
  newest: 5,
  platforms: ['linux/amd64'],
  every_hours: 24,
}
const registry: Registry = {
  id: 'r1',
  version: 3,
  spec,
  has_password: true,
  created: '2026-11-01T00:00:00Z',
  changed_at: '2026-11-02T00:00:00Z',
  changed_by: 'user:alice',
  comment: '',
  state: 'reading',
  trouble: null,
  listed: '2026-11-02T00:00:00Z',
  due: '2026-11-03T00:00:00Z',
  retry: null,
  repositories: 2,
  images: { waiting: 2, reading: 1, done: 5, failed: 2 },
}

beforeEach(() => useLanguage('en'))
afterEach(() => {
  vi.unstubAllGlobals()
  document.body.replaceChildren()
})

describe('a draft of a registry', () => {
  it('comes back as what it was made from', () => {
    expect(specOf(draftOf(spec, true))).toEqual(spec)
    expect(specOf(draftOf(emptyRegistry(), false))).toEqual(emptyRegistry())
  })

  it.each([
    [null, 'manual'],
    [6, '6'],
    [24, '24'],
    [168, '168'],
    [7, 'own'],
  ])('has the schedule of %s hours as the choice %s, and gives it back', (hours, choice) => {
    const draft = draftOf({ ...spec, every_hours: hours }, false)
    expect(draft.schedule).toBe(choice)
    expect(specOf(draft).every_hours).toBe(hours)
  })

  it.each([
    ['https://registry.example:5000/', 'registry.example:5000'],
    ['  HTTP://registry.example//', 'registry.example'],
    ['registry.example', 'registry.example'],
    ['[fd00::1]:5000', '[fd00::1]:5000'],
  ])('takes the address %s as %s', (typed, address) => {
    expect(bareAddress(typed)).toBe(address)
  })

  it('keeps the password unless one is given or it is taken away', () => {
    const draft = draftOf(spec, true)
    expect(passwordOf(draft)).toBeNull()
    expect(passwordOf({ ...draft, change: 'give', password: 'secret' })).toBe('secret')
    // Whoever thinks better of giving another has not taken it away.
    expect(passwordOf({ ...draft, change: 'give', password: '' })).toBeNull()
    expect(passwordOf({ ...draft, change: 'remove' })).toBe('')
    expect(inputOf(draft, ' why ')).toEqual({ spec, password: null, comment: 'why' })
  })

  it('needs the password anew where it would go elsewhere', () => {
    const draft = draftOf(spec, true)
    expect(passwordNeeded(registry, draft)).toBe(false)
    expect(passwordNeeded(registry, { ...draft, repositories: 'other', username: 'x' })).toBe(false)
    expect(passwordNeeded(registry, { ...draft, address: 'evil.example' })).toBe(true)
    expect(passwordNeeded(registry, { ...draft, insecure: true })).toBe(true)
    expect(passwordNeeded(registry, { ...draft, ca: 'PEM' })).toBe(true)
    expect(passwordNeeded(registry, { ...draft, address: 'evil.example', change: 'remove' })).toBe(false)
    expect(passwordNeeded({ ...registry, has_password: false }, { ...draft, insecure: true })).toBe(false)
    expect(passwordNeeded(null, { ...draft, insecure: true })).toBe(false)
    // The same address in another spelling is the same.
    expect(passwordNeeded(registry, { ...draft, address: 'https://registry.example:5000/' })).toBe(false)
  })
})

describe('a complaint about a registry', () => {
  it.each([
    ['$.spec.address', { field: 'address', item: null }],
    ['$.spec.repositories[2]', { field: 'repositories', item: 2 }],
    ['$.spec.tags[...]', { field: 'tags', item: null }],
    ['$.password', { field: 'password', item: null }],
    ['$.spec.every_hours', { field: 'every_hours', item: null }],
    ['$.comment', { field: 'comment', item: null }],
    ['$', null],
    ['$.spec.newer', null],
    [null, null],
  ])('at %s is shown there', (path, place) => {
    expect(registryPlace(path)).toEqual(place)
  })
})

describe('the reading of a registry', () => {
  it('is counted', () => {
    expect(progressOf(registry)).toEqual({ read: 7, total: 10 })
    expect(progressOf({ ...registry, images: {} })).toEqual({ read: 0, total: 0 })
    expect(isBusy(registry)).toBe(true)
    expect(isBusy({ ...registry, state: 'failed' })).toBe(false)
  })

  it('has its schedule in words', async () => {
    expect([null, 1, 12, 168].map(scheduleText)).toEqual([
      'By hand only',
      'Every hour',
      'Every 12 hours',
      'Every week',
    ])
    await useLanguage('zh-CN')
    expect([null, 12, 168].map(scheduleText)).toEqual(['仅手动', '每 12 小时', '每周'])
  })
})

describe('two versions of a registry', () => {
  it('differ where they do, and say it as the page does', () => {
    const mine = { ...spec, insecure: true, every_hours: null, tags: ['1.*', 'latest'], ca: 'x'.repeat(500) }
    const found = differences(spec, mine)
    expect(found.map((each) => each.label)).toEqual([
      'registries.connection',
      'registries.ca',
      'registries.tags',
      'registries.schedule.label',
    ])
    expect(found[0]).toMatchObject({ theirs: 'Encrypted (HTTPS)', mine: 'Not encrypted (plain HTTP)' })
    expect(found[1]?.theirs).toBe('–')
    expect(found[1]?.mine).toHaveLength(121)
    expect(differences(spec, { ...spec })).toEqual([])
  })
})

function codesIn(...files: string[]): string[] {
  const found = files.flatMap((file) => [
    ...readFileSync(join('../src/hullguard', file), 'utf8').matchAll(
      /"((?:registry|image|net)\.[a-z0-9-]+)"/g,
    ),
  ])
  return [...new Set(found.map((match) => match[1] ?? ''))].sort()
}

/** The codes that reading a registry can end with, as the code has them. */
function codes(): string[] {
  const folder = 'inventory/source/registry'
  const files = readdirSync(join('../src/hullguard', folder)).filter((name) => name.endsWith('.py'))
  const others = [
    'access/registries/vault.py',
    'inventory/apart.py',
    'net/answers.py',
    'net/pace.py',
    'worker/registries.py',
  ]
  return codesIn(...files.map((name) => join(folder, name)), ...others)
}

/** Of files that the command line is given, which the platform has none of, and what is only told within an image. */
const ELSEWHERE = [
  'registry.docker-config',
  'registry.no-docker-config',
  'registry.no-ca-file',
  'registry.not-found',
]

describe('what is wrong with what was written down of a registry', () => {
  it('has words for every code that the server refuses it with', () => {
    const known = codesIn('access/registries/check.py', 'storage/stores/registries.py')
    expect(known.length).toBeGreaterThan(10)
    // Some are not refusals but what is kept of it.
    const said = { ...en.problem, ...en.registryTrouble }
    expect(known.filter((code) => !(code.replaceAll('.', '_') in said))).toEqual([])
  })
})

describe('trouble with a registry', () => {
  it('has words and a next step for every code that reading one can end with', () => {
    const known = codes()
    expect(known.length).toBeGreaterThan(15)
    expect(
      known.filter((code) => !ELSEWHERE.includes(code) && !(code.replaceAll('.', '_') in en.registryTrouble)),
    ).toEqual([])
    expect(Object.keys(en.registryStep)).toEqual(Object.keys(en.registryTrouble))
  })

  it('is said in both languages, with what the server says of it', async () => {
    const said = 'the registry 10.0.0.1 cannot be reached: [Errno 111] Connection refused'
    expect(troubleTitle('registry.unreachable', said)).toBe('The registry cannot be reached.')
    expect(troubleDetail('registry.unreachable', said)).toBe(said)
    expect(troubleStep('registry.unreachable')).toContain('Check the address')
    await useLanguage('zh-CN')
    expect(troubleTitle('registry.unreachable', said)).toBe('无法连接镜像仓库。')
    expect(troubleDetail('registry.unreachable', said)).toContain('无法连接镜像仓库 10.0.0.1')
  })

  it('of a newer server is what the server says, once, and digests in it are short', () => {
    expect(troubleTitle('registry.from-a-newer-server', 'the moon is full')).toBe('the moon is full')
    expect(troubleDetail('registry.from-a-newer-server', 'the moon is full')).toBe('')
    expect(troubleStep('registry.from-a-newer-server')).toBe('')
    const digest = `sha256:${'0123456789abcdef'.repeat(4)}`
    expect(troubleDetail('image.digest-mismatch', `layer ${digest} is not it`)).toBe(
      'layer sha256:01234567…cdef is not it',
    )
  })

  it('is a note with what to do', async () => {
    const trouble = { code: 'registry.unauthenticated', sentence: 'wrong password?' }
    const page = await mounted(TroubleNote, { trouble, failed: true })
    expect(page.root.querySelector('strong')?.textContent).toBe('The registry does not let the platform in.')
    expect(page.text()).toContain('Check the user name and the password under Edit.')
    page.unmount()
  })
})

describe('the figures of a registry', () => {
  it('lead to its images in that state, and leave out what there is none of', async () => {
    const page = await mounted(ImageStates, { registry })
    const links = [...page.root.querySelectorAll('a')]
    expect(links.map((each) => each.textContent.trim())).toEqual([
      '2 waiting',
      '1 being read',
      '2 failed',
      '5 read',
    ])
    expect(links[2]?.getAttribute('href')).toBe('/registry/r1?state=failed')
    page.unmount()
  })

  it('of an image say where it lies, and nothing of where it does not', async () => {
    const page = await mounted(WhereMarks, { image: { nodes: 0, registries: 2, submissions: 1 } })
    expect([...page.root.querySelectorAll('.place')].map((each) => each.getAttribute('title'))).toEqual([
      'in 2 registries',
      'submitted 1 time',
    ])
    page.unmount()
  })
})

function form(props: Record<string, unknown> = {}) {
  return mounted(RegistryForm, {
    spec,
    before: registry,
    busy: false,
    problem: null,
    submit: 'Save',
    ...props,
  })
}

describe('the form of a registry', () => {
  it('never shows the password, and asks for it anew when the address is another', async () => {
    const saved: unknown[] = []
    const page = await form({ onSave: (input: unknown) => saved.push(input) })
    expect(page.text()).toContain('A password is kept.')
    expect(page.root.querySelector('input[type=password]')).toBeNull()

    await page.type('Address', 'evil.example')
    const password = page.field('Password')
    expect(password.type).toBe('password')
    expect(password.value).toBe('')
    expect(password.required).toBe(true)
    expect(page.text()).toContain('the password must be given again')
    await page.type('Password', 'another')
    await page.click('Save')
    expect(saved).toEqual([{ spec: { ...spec, address: 'evil.example' }, password: 'another', comment: '' }])
    page.unmount()
  })

  it('takes the password away only when told to', async () => {
    const saved: { password: string | null }[] = []
    const page = await form({ onSave: (input: { password: string | null }) => saved.push(input) })
    await page.click('Take it away')
    expect(page.text()).toContain('The password is taken away when you save.')
    await page.click('Keep the one that is there')
    expect(page.text()).toContain('A password is kept.')
    await page.click('Take it away')
    await page.click('Save')
    expect(saved.map((each) => each.password)).toEqual([''])
    page.unmount()
  })

  it("shows the server's complaint at its field, with the line it is about", async () => {
    const problem = new Problem(422, 'registry.bad-repository', 'no', {}, '$.spec.repositories[1]')
    const page = await form({ problem })
    const wrong = page.field<HTMLTextAreaElement>('Repositories')
    expect(wrong.getAttribute('aria-invalid')).toBe('true')
    const told = document.getElementById(wrong.getAttribute('aria-describedby') ?? '')
    expect(told?.textContent).toMatch(/^base: This is no name of a repository/)
    expect(document.querySelectorAll('[aria-invalid=true]')).toHaveLength(1)
    page.unmount()
  })

  it('offers the interval of one that has its own', async () => {
    const page = await form({ spec: { ...spec, every_hours: 7 } })
    expect(page.field<HTMLSelectElement>('Listed again').value).toBe('own')
    expect(
      page.root.querySelector<HTMLInputElement>('input[aria-label="hours between two listings"]')?.value,
    ).toBe('7')
    page.unmount()
  })
})

describe('deleting a registry', () => {
  const image = (id: string, more: Partial<ImageSummary>) => ({
    id,
    names: [`registry.example:5000/shop/${id}:1`],
    nodes: 0,
    registries: 1,
    submissions: 0,
    ...more,
  })

  beforeEach(() => {
    // What jsdom lacks of dialogs.
    HTMLDialogElement.prototype.showModal = function () {
      this.open = true
    }
  })

  it('asks for the name and says which images vanish', async () => {
    const items = [image('cart', {}), image('till', {})]
    serverSays({
      '/images?registry=r1&alone=true&limit=5': { items, total: 902, cursor: 'x' },
      '/images?registry=r1&alone=false&limit=1': { items: [], total: 1 },
    })
    let deleted = 0
    const act = () => {
      deleted += 1
      return Promise.resolve()
    }
    const page = await mounted(DeleteRegistry, { registry, act })
    await page.settle()
    expect(page.text()).toContain('902 images vanish from the list')
    expect(page.text()).toContain('and 900 others')
    expect(page.text()).toContain('registry.example:5000/shop/cart:1')
    expect(page.text()).toContain('1 image stays')
    await page.click('Delete')
    expect(deleted).toBe(0)
    await page.type('Write shop to confirm', 'shop')
    await page.click('Delete')
    expect(deleted).toBe(1)
    page.unmount()
  })

  it('says that none vanishes where none does, and does not guess where it cannot know', async () => {
    serverSays({ '/images': { items: [], total: 0, cursor: null } })
    const page = await mounted(DeleteRegistry, { registry, act: () => Promise.resolve() })
    await page.settle()
    expect(page.text()).toContain('No image vanishes')
    page.unmount()
    serverSays({})
    const other = await mounted(DeleteRegistry, { registry, act: () => Promise.resolve() })
    await other.settle()
    expect(other.text()).toContain('could not be found out')
    other.unmount()
  })
})
