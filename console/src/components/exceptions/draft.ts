/** An exception while somebody writes it: texts as they are typed, and what they come to. */
import type { ExceptionSpec, ExceptionStatus, Justification } from '@/api/types'
import { packageName } from '@/components/images/purl'
import { repository } from '@/components/images/names'

export type Scope = 'image' | 'names' | 'everywhere'

export interface Draft {
  vulnerabilities: string
  package: string
  scope: Scope
  names: string
  imageIds: string[]
  /** It is about names and about these ids: either will do. */
  both: boolean
  status: ExceptionStatus
  justification: Justification | ''
  reason: string
  expires: string
  /** What the form does not show is kept. */
  purl: string | null
  path: string | null
}

export const STATUSES: ExceptionStatus[] = ['accepted', 'not_affected']
export const JUSTIFICATIONS: Justification[] = [
  'component_not_present',
  'vulnerable_code_not_present',
  'vulnerable_code_not_in_execute_path',
  'vulnerable_code_cannot_be_controlled_by_adversary',
  'inline_mitigations_already_exist',
]

export function blank(): Draft {
  return {
    vulnerabilities: '',
    package: '',
    scope: 'everywhere',
    names: '',
    imageIds: [],
    both: false,
    status: 'accepted',
    justification: '',
    reason: '',
    expires: '',
    purl: null,
    path: null,
  }
}

/** For one finding of one image; it begins with that image alone. */
export function forFinding(
  finding: { id: string; package: string },
  image: { id: string; names: string[] },
): Draft {
  return {
    ...blank(),
    vulnerabilities: finding.id,
    package: nameOf(finding.package),
    scope: 'image',
    imageIds: [image.id],
    names: [...new Set(image.names.map((name) => `${repository(name)}:*`))].join('\n'),
  }
}

export function fromSpec(spec: ExceptionSpec): Draft {
  const names = spec.images ?? []
  const imageIds = spec.image_ids ?? []
  return {
    vulnerabilities: spec.vulnerabilities.join(' '),
    package: spec.package ?? '',
    scope: names.length ? 'names' : imageIds.length ? 'image' : 'everywhere',
    names: names.join('\n'),
    imageIds,
    both: names.length > 0 && imageIds.length > 0,
    status: spec.status ?? 'accepted',
    justification: spec.justification ?? '',
    reason: spec.reason,
    expires: spec.expires ?? '',
    purl: spec.purl ?? null,
    path: spec.path ?? null,
  }
}

/** What is missing before it can be sent or asked about. */
export function isWhole(draft: Draft): boolean {
  const names = words(draft.names)
  const about = draft.scope !== 'names' || names.length > 0
  return words(draft.vulnerabilities).length > 0 && about
}

export function toSpec(draft: Draft): ExceptionSpec {
  return {
    vulnerabilities: words(draft.vulnerabilities),
    // What the server is asked before anybody wrote why.
    reason: draft.reason.trim() || '–',
    status: draft.status,
    justification: draft.status === 'not_affected' && draft.justification ? draft.justification : null,
    expires: draft.expires || null,
    package: draft.package.trim() || null,
    purl: draft.purl,
    path: draft.path,
    images: draft.scope === 'names' ? words(draft.names) : [],
    image_ids: draft.scope === 'image' || (draft.scope === 'names' && draft.both) ? draft.imageIds : [],
  }
}

function words(text: string): string[] {
  return [...new Set(text.split(/[\s,;，；、]+/).filter(Boolean))]
}

/** The name that the server has for a package: of Maven's packages, group and artifact with a colon. */
function nameOf(purl: string): string {
  const shown = packageName(purl)
  return purl.startsWith('pkg:maven/') ? shown.replace(/\/([^/]*)$/, ':$1') : shown
}
