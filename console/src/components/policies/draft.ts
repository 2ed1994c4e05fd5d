/** A policy while it is being edited: every detector with every parameter, ready for a form and back. */
import type { Action, DetectorInfo, Parameter, PolicySpec, Rollout, RulesSpec } from '@/api/types'
import { copyOf, packOnly } from '@/components/rules/settings'

export interface DetectorDraft {
  id: string
  enabled: boolean
  action: Action
  /** Only what differs from the detector's defaults, or was set by hand. */
  parameters: Record<string, Parameter>
}

export interface Draft {
  name: string
  description: string
  enabled: boolean
  everyNode: boolean
  nodes: string[]
  images: string
  detectors: DetectorDraft[]
  rules: RulesSpec
  rollout: Rollout
}

export const EVERY = '*'

export function draftOf(spec: PolicySpec, infos: DetectorInfo[]): Draft {
  const known = new Set(infos.map((info) => info.id))
  // A detector of a newer server is kept as it is: saving must not lose what this console cannot show.
  const ids = [...infos.map((info) => info.id), ...Object.keys(spec.detectors).filter((id) => !known.has(id))]
  return {
    name: spec.name,
    description: spec.description,
    enabled: spec.enabled,
    everyNode: spec.binding.nodes.includes(EVERY),
    nodes: spec.binding.nodes.filter((node) => node !== EVERY),
    images: spec.binding.images.join('\n'),
    detectors: ids.map((id) => {
      const settings = spec.detectors[id]
      return {
        id,
        enabled: settings ? settings.enabled : false,
        action: settings?.action ?? 'alert',
        parameters: structuredClone(settings?.parameters ?? {}),
      }
    }),
    rules: copyOf(spec.rules),
    rollout: structuredClone(spec.rollout),
  }
}

export function specOf(draft: Draft, before: PolicySpec): PolicySpec {
  const detectors = draft.detectors.filter((each) => each.enabled || each.id in before.detectors)
  return {
    name: draft.name.trim(),
    description: draft.description,
    enabled: draft.enabled,
    detectors: Object.fromEntries(
      detectors.map(({ id, enabled, action, parameters }) => [
        id,
        { enabled, action, parameters: { ...parameters } },
      ]),
    ),
    rules: copyOf(draft.rules),
    binding: { nodes: draft.everyNode ? [EVERY] : [...draft.nodes], images: lines(draft.images) },
    rollout: { ...draft.rollout, canary_nodes: [...draft.rollout.canary_nodes] },
  }
}

export function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

export function emptySpec(infos: DetectorInfo[]): PolicySpec {
  return {
    name: '',
    description: '',
    enabled: true,
    detectors: Object.fromEntries(
      infos.map((info) => [info.id, { enabled: true, action: 'alert', parameters: {} }]),
    ),
    rules: packOnly(),
    binding: { nodes: [], images: [] },
    // What a policy would stop is looked at before it stops anything.
    rollout: {
      mode: 'simulate',
      canary_nodes: [],
      canary_percent: 0,
      automatic: true,
      watch_minutes: 30,
      tolerated_exits: 3,
    },
  }
}

/** Whether a policy does more than report, where it is in force. */
export function acts(spec: PolicySpec): boolean {
  const followed = [
    ...Object.values(spec.detectors).filter((each) => each.enabled),
    ...Object.values(spec.rules.settings).filter((each) => each.enabled !== false),
  ]
  return spec.enabled && followed.some((each) => each.action !== 'alert')
}
