/** What the server sends of things, for tests to vary. */
import type { ImageDetail, Registry } from '@/api/types'
import { emptyRegistry } from '@/components/registries/draft'

/** Read in whole, with nothing found. */
export const IMAGE: ImageDetail = {
  id: `sha256:${'a'.repeat(64)}`,
  names: ['registry.example/shop:1'],
  platform: null,
  os: null,
  size: 100,
  packages: 3,
  vulnerabilities: {},
  fixable: 0,
  complete: true,
  unjudged: 0,
  unread: 0,
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
  unknowns: [],
}

/** Listed, with nothing in it. */
export const REGISTRY: Registry = {
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
  retry: null,
  repositories: 0,
  images: {},
}
