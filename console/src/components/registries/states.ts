/** How registries and their images are read, to look at. */
import type { Registry, RegistryImageState, RegistryState } from '@/api/types'
import type { IconName } from '@/components/icons'

interface Look {
  tone: 'ok' | 'caution' | 'danger' | 'idle' | 'busy'
  icon: IconName
}

const REGISTRY_LOOK: Record<RegistryState, Look> = {
  waiting: { tone: 'idle', icon: 'clock' },
  listing: { tone: 'busy', icon: 'refresh' },
  reading: { tone: 'busy', icon: 'refresh' },
  done: { tone: 'ok', icon: 'check' },
  failed: { tone: 'danger', icon: 'stop' },
}

/** One that was read, but of which images failed, is not as one that is well. */
export function failuresOf(registry: Registry): number {
  return registry.state === 'done' ? (registry.images.failed ?? 0) : 0
}

export function registryLook(registry: Registry): Look {
  return failuresOf(registry) > 0 ? { tone: 'caution', icon: 'incidents' } : REGISTRY_LOOK[registry.state]
}

export const IMAGE_LOOK: Record<RegistryImageState, Look> = {
  waiting: { tone: 'idle', icon: 'clock' },
  reading: { tone: 'busy', icon: 'refresh' },
  done: { tone: 'ok', icon: 'check' },
  incomplete: { tone: 'caution', icon: 'incidents' },
  failed: { tone: 'danger', icon: 'stop' },
  unsupported: { tone: 'idle', icon: 'close' },
}

/** In the order in which an image goes through them; those that need a person first of the ends. */
export const IMAGE_STATES: readonly RegistryImageState[] = [
  'waiting',
  'reading',
  'failed',
  'incomplete',
  'unsupported',
  'done',
]

export interface Progress {
  read: number
  total: number
}

/** How many of a registry's images were read, or tried. */
export function progressOf(registry: Registry): Progress {
  const count = (state: RegistryImageState) => registry.images[state] ?? 0
  const total = IMAGE_STATES.reduce((sum, state) => sum + count(state), 0)
  return { read: total - count('waiting') - count('reading'), total }
}

/** Until it is listed for the first time nobody knows what it has: no image is no figure then. */
export function isListed(registry: Registry): boolean {
  return registry.listed !== null
}

/** While it is read nobody can ask for that. */
export function isBusy(registry: Registry): boolean {
  return registry.state === 'waiting' || registry.state === 'listing' || registry.state === 'reading'
}
