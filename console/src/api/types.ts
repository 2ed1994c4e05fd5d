/** The server's vocabulary by short names; `npm run types` generates the schemas from openapi.json. */
import type { components } from '@/api/schema'

type Schemas = components['schemas']

export type Severity = Schemas['Severity']
export type NodeState = Schemas['NodeState']
export type IncidentStatus = Schemas['IncidentStatus']
export type Action = Schemas['Action']
export type CommandKind = Schemas['CommandKind']
export type CommandState = Schemas['CommandState']
export type Role = Schemas['Role']
export type Permission = Schemas['Permission']

export type User = Schemas['User']
export type NewUser = Schemas['NewUser']
export type CurrentSession = Schemas['CurrentSession']
export type Reason = Schemas['Reason']
export type SensorHealth = Schemas['SensorHealth']
export type Node = Schemas['Node']
export type ImageRef = Schemas['ImageRef']
export type PlacedContainer = Schemas['PlacedContainer']
export type LayerShare = Schemas['LayerShare']
export type ImageSummary = Schemas['ImageSummary']
export type ImageDetail = Schemas['ImageDetail']
export type ImageContent = Schemas['ImageContent']
export type Unknown = Schemas['Unknown']
export type Vulnerability = Schemas['FoundVulnerability']
export type ReportedPackage = Schemas['ReportedPackage']
export type Process = Schemas['Process']
export type Incident = Schemas['Incident']
export type DetectorSettings = Schemas['DetectorSettings']
export type PolicySpec = Schemas['PolicySpec']
export type Mode = Schemas['Mode']
export type Rollout = Schemas['Rollout']
export type Simulation = Schemas['Simulation']
export type SimulatedDeed = Schemas['SimulatedDeed']
export type Policy = Schemas['Policy']
export type RulesSpec = Schemas['RulesSpec']
export type RuleText = Schemas['RuleText']
export type RuleSettings = Schemas['RuleSettings']
export type RuleInfo = Schemas['RuleInfo']
export type RuleProblem = Schemas['RuleProblem']
export type CheckedRules = Schemas['CheckedRules']
export type ParameterInfo = Schemas['ParameterInfo']
export type DetectorInfo = Schemas['DetectorInfo']
export type Command = Schemas['Command']
export type AuditRecord = Schemas['AuditRecord']
export type ChainState = Schemas['ChainState']
export type ApiToken = Schemas['ApiToken']
export type NewToken = Schemas['NewToken']
export type EnrolmentToken = Schemas['EnrolmentToken']
export type NewEnrolmentToken = Schemas['NewEnrolmentToken']
export type Quota = Schemas['Quota']
export type AgentBundle = Schemas['AgentBundle']
export type Overview = Schemas['Overview']

export type Parameter = boolean | number | string | string[]
/** Per severity; one that is absent counts nothing. */
export type Counts = Record<string, number>

export interface Page<T> {
  items: T[]
  total: number
  cursor: string | null
}
