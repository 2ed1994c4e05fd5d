/** Which part of the form a server's complaint is about, from the JSON path it names. */

export interface Place {
  part:
    | 'name'
    | 'description'
    | 'nodes'
    | 'images'
    | 'comment'
    | 'detector'
    | 'action'
    | 'parameter'
    | 'rule'
    | 'ruleFiles'
    | 'ruleFileName'
    | 'ruleFileText'
    | 'rollout'
    | 'form'
  detector?: string
  parameter?: string
  /** A rule's name. */
  rule?: string
  /** Position in a list, from 0. */
  item?: number
}

/** Anything may stand in a rule's name, quotes and brackets too. */
const RULE = /^rules\.settings\['(.+)'\](?:\.\w+)?$/
const RULE_FILE = /^rules\.files\[(\d+)\]\.(name|content)$/
const DETECTOR = /^detectors(?:\['([^']+)'\]|\[\.\.\.\]|\.([\w-]+))/

export function placeOf(field: string | null): Place {
  const path = (field ?? '').replace(/^\$\.?/, '').replace(/^spec\.?/, '')
  const found = DETECTOR.exec(path)
  if (found) return inDetector(path.slice(found[0].length), found[1] ?? found[2])
  if (path.startsWith('rollout')) return { part: 'rollout' }
  if (path.startsWith('rules')) return inRules(path)
  if (path.startsWith('binding.nodes')) return { part: 'nodes' }
  if (path.startsWith('binding.images')) return withItem({ part: 'images' }, path)
  if (path === 'name' || path === 'description' || path === 'comment') return { part: path }
  return { part: 'form' }
}

function inRules(path: string): Place {
  const rule = RULE.exec(path)?.[1]
  if (rule) return { part: 'rule', rule }
  const file = RULE_FILE.exec(path)
  if (file) return { part: file[2] === 'name' ? 'ruleFileName' : 'ruleFileText', item: Number(file[1]) }
  return path.startsWith('rules.files') ? { part: 'ruleFiles' } : { part: 'form' }
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
