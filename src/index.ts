export type { Accepted, Channel, EventMessage, ListenOptions, PublishOptions, RequestOptions } from './channel/channel.ts';
export type { EventStreamOptions } from './channel/events.ts';
export {
  type ChannelPattern,
  channelPattern,
  type PatternArguments,
  type PatternChannel,
  type PatternNames,
  type PatternParams,
} from './channel/pattern.ts';
export type { ChannelState } from './channel/subscription.ts';
export type { Answer as AuthAnswer, AuthContext, AuthProvider, AuthReason } from './connection/auth.ts';
export type { LivenessOptions } from './connection/liveness.ts';
export { type FullJitterOptions, fullJitter, type RetryContext, type RetryPolicy } from './connection/retry.ts';
export type { ConnectionStatus, Status } from './connection/status.ts';
export type { Gap } from './delivery/order.ts';
export type { OutboxLimits } from './delivery/outbox.ts';
export { type PayloadIssue, RealtimeError, type RealtimeErrorCode, type RealtimeErrorDetails } from './errors.ts';
export type { Observer, Readable, Unsubscribe } from './events/readable.ts';
export type { InvalidPayload, LifecycleEvents, RealtimeManager, Switched } from './manager.ts';
export type { Metrics } from './monitor/metrics.ts';
export type { RealtimeOptions } from './options.ts';
export type { Clock } from './platform/clock.ts';
export type { Platform } from './platform/platform.ts';
export type { IdSource, Random } from './platform/random.ts';
export type { Signals } from './platform/signals.ts';
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
export type { CauseKind } from './transport/cause.ts';
export type { FetchInit, FetchLike, HttpToken, PerAttempt, StatusMeanings } from './transport/http.ts';
export type { HttpOptions } from './transport/http-transport.ts';
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
  Transport,
} from './transport/transport.ts';
