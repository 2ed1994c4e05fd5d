/** Which part of the form a server's complaint is about, from the JSON path it names. */

export interface Place {
  part:
    | ('name' | 'description' | 'nodes' | 'images' | 'comment' | 'detector' | 'action' | 'parameter')
    | ('rollout' | 'form')
  detector?: string
  parameter?: string
  /** Position in a list, from 0. */
  item?: number
}

const DETECTOR = /^detectors(?:\['([^']+)'\]|\[\.\.\.\]|\.([\w-]+))/

export function placeOf(field: string | null): Place {
  const path = (field ?? '').replace(/^\$\.?/, '').replace(/^spec\.?/, '')
  const found = DETECTOR.exec(path)
  if (found) return inDetector(path.slice(found[0].length), found[1] ?? found[2])
  if (path.startsWith('rollout')) return { part: 'rollout' }
  if (path.startsWith('binding.nodes')) return { part: 'nodes' }
  if (path.startsWith('binding.images')) return withItem({ part: 'images' }, path)
  if (path === 'name' || path === 'description' || path === 'comment') return { part: path }
  return { part: 'form' }
}

function inDetector(rest: string, detector: string | undefined): Place {
  if (!detector) return { part: 'form' }
  if (rest === '.action') return { part: 'action', detector }
  const parameter = /^\.parameters(?:\['([^']+)'\]|\.([\w-]+))/.exec(rest)
  const name = parameter?.[1] ?? parameter?.[2]
  if (parameter && name)
    return withItem({ part: 'parameter', detector, parameter: name }, rest.slice(parameter[0].length))
  return { part: 'detector', detector }
}

function withItem(place: Place, rest: string): Place {
  const position = /\[(\d+)\]$/.exec(rest)?.[1]
  return position === undefined ? place : { ...place, item: Number(position) }
}
