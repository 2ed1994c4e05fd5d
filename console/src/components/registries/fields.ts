/** Which field of the form a server's complaint is about, from the JSON path it names. */
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

/** Null: it is about no field that the form has. */
export function registryPlace(path: string | null): RegistryPlace | null {
  const found = PATH.exec(path ?? '')
  const field = FIELDS.find((each) => each === found?.[1])
  if (!field) return null
  const position = found?.[2]
  return { field, item: position && position !== '...' ? Number(position) : null }
}
