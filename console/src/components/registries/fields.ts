/** Which field of the form a server's complaint is about, from the JSON path it names. */
import type { Problem } from '@/api/client'

const FIELDS = [
  'name',
  'address',
  'insecure',
  'username',
  'password',
  'ca',
  'repositories',
  'tags',
  'newest',
  'platforms',
  'every_hours',
  'comment',
] as const

export type RegistryField = (typeof FIELDS)[number]

export interface RegistryPlace {
  field: RegistryField
  /** Position in a list of lines, from 0. */
  item: number | null
}

const PATH = /^\$\.(?:spec\.)?(\w+)(?:\[(\d+|\.\.\.)\])?$/

/** Of what the server names no field, for it is about what is there already. */
const BY_CODE: Record<string, RegistryField> = { 'registry.name-taken': 'name' }

/** Where a complaint stands in the form; null: it is about no field that the form has. */
export function placeOf(problem: Problem | null): RegistryPlace | null {
  const field = BY_CODE[problem?.code ?? '']
  return field ? { field, item: null } : registryPlace(problem?.field ?? null)
}

/** Null: it is about no field that the form has. */
export function registryPlace(path: string | null): RegistryPlace | null {
  const found = PATH.exec(path ?? '')
  const field = FIELDS.find((each) => each === found?.[1])
  if (!field) return null
  const position = found?.[2]
  return { field, item: position && position !== '...' ? Number(position) : null }
}
