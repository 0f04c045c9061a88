export type {
  Accepted,
  Channel,
  ChannelContext,
  EventMessage,
  ListenOptions,
  PublishOptions,
  RequestOptions,
  Sending,
} from './channel/channel.ts';
export type { ChannelState } from './channel/channel-state.ts';
export type { EventStreamOptions } from './channel/events.ts';
export {
  type ChannelPattern,
  channelPattern,
  type PatternArguments,
  type PatternChannel,
  type PatternNames,
  type PatternParams,
} from './channel/pattern.ts';
export type { Answer as AuthAnswer, AuthContext, AuthProvider, AuthReason, IdentityChange } from './connection/auth.ts';
export { type ConnectionGraph, connectionGraph, type PhaseEdge } from './connection/graph.ts';
export type { Decision } from './connection/history.ts';
export type { LinkNote, LinkNoteKind, LinkPlace } from './connection/link-note.ts';
export type { LivenessOptions } from './connection/liveness.ts';
export {
  type FullJitterOptions,
  fullJitter,
  type RetryContext,
  type RetryPolicy,
  type SpreadRetryOptions,
  spreadRetry,
} from './connection/retry.ts';
export type { ConnectionStatus, Status } from './connection/status.ts';
export { type DedupByIdOptions, type DedupMemory, type DedupPolicy, dedupById, noDedup } from './delivery/dedup.ts';
export type { Backfill, Filler, HoledChannel, ReorderLimits, Standing } from './delivery/hole.ts';
export type { Gap, LastEvent } from './delivery/order.ts';
export type {
  Delivery,
  OutboxControls,
  OutboxEntry,
  OutboxLimits,
  OutboxOptions,
  SendStatus,
} from './delivery/outbox-options.ts';
export type { OutboxStorage, OutboxStorageHost, StoredFailure, StoredSend } from './delivery/storage.ts';
export type { Turns } from './delivery/turns.ts';
export { type PayloadIssue, RealtimeError, type RealtimeErrorCode, type RealtimeErrorDetails } from './errors.ts';
export { type Bus, createBus, type EventMap } from './events/bus.ts';
export {
  type Coalesced,
  type CoalesceOptions,
  type ConflateOptions,
  type Conflation,
  coalesce,
  conflate,
} from './events/coalesce.ts';
export { type Observer, type Readable, type Unsubscribe, type Writable, writable } from './events/readable.ts';
export type { InvalidPayload, LifecycleEvents, RealtimeManager, Switched } from './manager.ts';
export type { Metrics } from './monitor/metrics.ts';
export type { Probe, ProbeContext, ProbeEvent } from './monitor/probe.ts';
export type { RealtimeOptions } from './options.ts';
export type { Clock } from './platform/clock.ts';
export { disposable, type Remover } from './platform/dispose.ts';
export { type Frames, systemFrames } from './platform/frames.ts';
export { type RouteMemory, routeMemory, type TextStore } from './platform/memory.ts';
export { type Platform, systemPlatform } from './platform/platform.ts';
export type { IdSource, Random } from './platform/random.ts';
export type { Signals } from './platform/signals.ts';
export { systemVisibility, type Visibility } from './platform/visibility.ts';
export type { Dialect, DialectTraits, Greeting, OutboundMessage, Receipt } from './protocol/dialect.ts';
export type {
  AckFrame,
  AdviceFrame,
  AnnounceFrame,
  AuthenticateFrame,
  AuthFrame,
  ChannelPosition,
  ClientFrame,
  DeniedFrame,
  EventFrame,
  GarbledFrame,
  HeartbeatFrame,
  JoinedFrame,
  JoinFrame,
  LeaveFrame,
  LeftFrame,
  OffsetPosition,
  PingFrame,
  PongFrame,
  Position,
  PresenceFrame,
  PresenceMember,
  PublishFrame,
  RejectFrame,
  ServerFrame,
  WelcomeFrame,
} from './protocol/frame.ts';
export { emit, jsonDialect, type Outgoing, post } from './protocol/json-dialect.ts';
export type {
  AckFields,
  AckInfo,
  ErrorFields,
  ErrorInfo,
  JoinInfo,
  JsonDialectOptions,
  JsonMessage,
  ReceiptInfo,
} from './protocol/json-options.ts';
export type { Extractor, MessageContext, Selector } from './protocol/json-path.ts';
export { keepwireDialect, protocolVersion } from './protocol/keepwire.ts';
export { type EventInput, type EventName, type EventOutput, type EventSchemas, unchecked } from './protocol/schema.ts';
export { createRealtime } from './realtime.ts';
export type { CauseKind, DownDetails } from './transport/cause.ts';
export type { FetchInit, FetchLike, HttpToken, PerAttempt, StatusMeanings } from './transport/http.ts';
export type { HttpOptions } from './transport/http-transport.ts';
export { decodeMessage, type LinkGate, openGate, sentReceipts, type Transmit } from './transport/link.ts';
export type {
  Capabilities,
  Credentials,
  DownCause,
  DownWithAdvice,
  DownWithError,
  Link,
  LinkInfo,
  LinkRequest,
  LinkSink,
  LostLink,
  Transport,
} from './transport/transport.ts';
