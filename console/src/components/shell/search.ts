/** Looks for words in every list that the user may read. */
import { onScopeDispose, ref, shallowRef } from 'vue'
import type { LocationQueryRaw, RouteLocationRaw } from 'vue-router'
import { get } from '@/api/client'
import type { ImageSummary, Incident, Node, Page, Permission, PlacedContainer, Registry } from '@/api/types'
import { told } from '@/i18n'
import { isVulnerability } from '@/components/images/names'
import { can } from '@/session'

export interface Hit {
  key: string
  title: string
  more: string
  to: RouteLocationRaw
}

export interface Group {
  name: string
  total: number
  all: LocationQueryRaw
  hits: Hit[]
}

interface Place<T> {
  name: string
  path: string
  permission: Permission
  hit: (item: T, asked: Asked) => Omit<Hit, 'key'>
  /** What is asked of the list, where that is not the words themselves. */
  asks?: (words: string) => Asked
}

type Asked = Record<string, string>

const EACH = 4
const TYPING = 200

const NODES: Place<Node> = {
  name: 'nodes',
  path: '/nodes',
  permission: 'nodes:read',
  hit: (node) => ({
    title: node.name,
    more: told('nodeState', node.state),
    to: { name: 'node', params: { id: node.id } },
  }),
}
const IMAGES: Place<ImageSummary> = {
  name: 'images',
  path: '/images',
  permission: 'images:read',
  hit: (image, { vulnerability }) => ({
    title: image.names[0] ?? image.id,
    more: image.os?.name ?? '',
    to: { name: 'image', params: { id: image.id }, query: vulnerability ? { q: vulnerability } : {} },
  }),
  asks: (words) => ({ [isVulnerability(words) ? 'vulnerability' : 'q']: words }),
}
const REGISTRIES: Place<Registry> = {
  name: 'registries',
  path: '/registries',
  permission: 'registries:read',
  hit: (registry) => ({
    title: registry.spec.name,
    more: registry.spec.address,
    to: { name: 'registry', params: { id: registry.id } },
  }),
}
const CONTAINERS: Place<PlacedContainer> = {
  name: 'containers',
  path: '/containers',
  permission: 'nodes:read',
  hit: (container) => ({
    title: container.name,
    more: container.node_name,
    to: { name: 'containers', query: { q: container.name } },
  }),
}
const INCIDENTS: Place<Incident> = {
  name: 'incidents',
  path: '/incidents',
  permission: 'incidents:read',
  hit: (incident) => ({
    title: told('detector', incident.rule, {}, incident.rule),
    more: incident.container.name || incident.node_name,
    to: { name: 'incident', params: { id: incident.id } },
  }),
}

export function useSearch() {
  const groups = shallowRef<Group[]>([])
  const busy = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  let turn = 0

  function look(words: string): void {
    clearTimeout(timer)
    const own = ++turn
    if (!words) {
      groups.value = []
      return
    }
    busy.value = true
    timer = setTimeout(async () => {
      const found = await Promise.all([
        ask(NODES, words),
        ask(IMAGES, words),
        ask(REGISTRIES, words),
        ask(CONTAINERS, words),
        ask(INCIDENTS, words),
      ])
      if (own !== turn) return
      groups.value = found.filter((group) => group !== null)
      busy.value = false
    }, TYPING)
  }

  onScopeDispose(() => clearTimeout(timer))
  return { groups, busy, look }
}

/** What one list knows of the words; a list that fails does not spoil the others. */
async function ask<T>(place: Place<T>, words: string): Promise<Group | null> {
  if (!can(place.permission)) return null
  try {
    const asked = place.asks?.(words) ?? { q: words }
    const page = await get<Page<T>>(place.path, { query: { ...asked, limit: EACH } })
    if (page.items.length === 0) return null
    const hits = page.items.map((item, index) => ({
      key: `${place.name}-${index}`,
      ...place.hit(item, asked),
    }))
    const all: LocationQueryRaw = place.name === 'incidents' ? { ...asked, status: 'all' } : asked
    return { name: place.name, total: page.total, all, hits }
  } catch {
    return null
  }
}
