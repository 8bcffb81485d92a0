// What callback-bridge publishes. Derived from the JSON Schemas: do not edit.
//
// A field that may be absent is optional; null means that it came and could not be read, or is not
// known. Within a major version there may come new optional fields, and new words in the sets that
// end in `(string & {})`. Money is decimal text, times are RFC 3339 UTC.

/** The CloudEvents envelope of every event. */
export interface CloudEvent<Type extends string, Data> {
  /** What happened; the major version is part of it. */
  type: Type;
  /** CloudEvents version. */
  specversion: "1.0";
  /** Names the callback: Plivo's retries and every replay repeat it. */
  id: string;
  /** The account: `/plivo/accounts/{auth_id}`, with `/subaccounts/{auth_id}` for one. */
  source: string;
  /** The call leg, message or session it is about. */
  subject: string;
  /** When it happened; `data.time_source` says who says so. */
  time: string;
  /** The schema of this very version. */
  dataschema: string;
  /** The record's key. */
  partitionkey: string;
  /** When the bridge built the event. */
  recordedtime: string;
  /** The type of `data`. */
  datacontenttype: "application/json";
  data: Data;
}

/** A parameter whose text does not have the form of its field. */
export interface Unread {
  /** The field that is null for it, if declared. */
  field: string | null;
  /** Plivo's name. */
  parameter: string;
  /** What came, every repetition. */
  text: Array<string>;
  /** A stable word for what is wrong. */
  reason: string;
}

/** How much the callback can be believed. */
export interface Verification {
  /** `verified` only when a signature of one of our accounts' keys holds. */
  verdict: "verified" | "unverified" | (string & {});
  /** `v3`, `v3-ma`, `v2`, `v2-ma` or `v3-agentstack`. */
  scheme: string | null;
  /** Which token verified it: its id, not it. */
  key_id: string | null;
  /** What the signature covers: `url`, `query`, `body`. Of a JSON body in one of the readings of Plivo's SDKs, instead of `body`: `body_as_read` (every name and value, but not nesting, order, types and the spelling of numbers) or `body_in_part` (some names and values are not signed). `url` alone: nothing of the content is signed. */
  covers: Array<string>;
  /** Why it is unverified. */
  fault: string | null;
}

/** Plivo's local times are not in the zone configured for the account. */
export interface ZoneMismatch {
  /** UTC offset of the configured zone. */
  configured_offset_s: number;
  /** UTC offset the callback's times show. */
  observed_offset_s: number;
}

/** One time of Plivo's. */
export interface Moment {
  /** RFC 3339 UTC; null where we are not sure. */
  utc: string | null;
  /** What Plivo sent. */
  text: string;
  /** The IANA zone the text was read in. */
  zone: string | null;
  /** How sure `utc` is. `assumed_zone`: read in the account's configured zone, which nothing else in the callback confirms. Treat a word you do not know as not sure. */
  certainty: "exact" | "assumed_zone" | "ambiguous_resolved" | "ambiguous" | "nonexistent" | "contradicted" | "unknown_zone" | (string & {});
  /** The instants that may be meant, if not sure. */
  candidates?: Array<string>;
}

/** One end of a leg or message. */
export interface Party {
  /** What the text names. Consumers treat a kind they do not know as `unknown`. */
  kind: "pstn" | "sip" | "client" | "anonymous" | "short_code" | "unknown" | (string & {});
  /** The number in E.164 with `+`, for kind `pstn`: only if its country can have such a number. */
  e164: string | null;
  /** What Plivo sent. */
  text: string;
}

/** Why a leg ended. */
export interface HangupCause {
  /** The cause in telephony's words, as sent. */
  cause: string | null;
  /** Plivo's code, as sent. */
  code: string | null;
  /** Plivo's name for the code: as sent, or known. */
  name: string | null;
  /** Our group of the code, or the source where the two disagree; null if neither decides. */
  group: "account" | "api" | "callee" | "caller" | "carrier" | "destination" | "network" | "plivo" | "unknown" | "url" | "xml" | (string & {}) | null;
  /** Who ended it, in one word; Plivo's own if we know no better. */
  source: string | null;
  /** The parameters as they came, by their names. */
  text: Record<string, string>;
}

/** What happened to whom in a masking session. */
export interface MaskingState {
  /** `first`, `second`, `both` or `virtual_number`. */
  party: string | null;
  /** `initiated`, `ringing`, `answered`, `completed`, `failed`. */
  state: string | null;
  /** What Plivo sent. */
  text: string;
}

/** Which part of a long message this is. */
export interface Part {
  /** Its number, from 1. */
  part: number;
  /** How many there are. */
  of: number;
  /** What Plivo sent. */
  text: string;
}

/** The ids a voice event can be joined by; null where the callback does not say. */
export interface Correlation {
  /** The whole call: its first leg's id. */
  call: string | null;
  /** The leg it happened on. */
  leg: string | null;
  /** The leg that a `<Dial>` dialled, if any. */
  other_leg: string | null;
  /** The first leg, if this is another one. */
  parent_call: string | null;
  /** The API request that placed the call. */
  request: string | null;
  /** The conference, by its id. */
  conference: string | null;
  /** The MultiPartyCall, by its id. */
  mpc: string | null;
}

/** What answering machine detection found. */
export interface Machine {
  /** Whether a machine answered; null for a word we don't know. */
  detected: boolean | null;
  /** What Plivo sent. */
  text: string;
}

/** The caller id's standing. */
export interface Stir {
  /** Plivo's verdict; `unknown` for a word we do not know, or none sent. */
  verification: "verified" | "not_verified" | "not_applicable" | "unknown" | (string & {});
  /** The attestation level, only when Plivo sent one. */
  attestation: "A" | "B" | "C" | (string & {}) | null;
  /** `assigned` by Plivo (outbound) or `received` with the call (inbound). */
  role: "assigned" | "received" | (string & {}) | null;
  /** Spellings, or verdict and letter, disagree. See `text`. */
  conflict: boolean;
  /** The parameters as they came, by their names. */
  text: Record<string, string>;
}

/** An event made from a callback. */
export interface EventName {
  /** The event's id. */
  id: string;
  /** Its CloudEvents type. */
  type: string;
  /** The topic it was published to. */
  topic: string;
}

/** What Plivo was answered. */
export interface ReplyGiven {
  /** HTTP status. */
  status: number;
  /** Its content type, if it had a body. */
  content_type: string | null;
  /** Its body. */
  body: string;
}

/** The response to an API request that was made asynchronously. */
export interface ApiAsyncResponseV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** Id of the API request. Plivo: `api_id`. */
  api_id: string;
  /** What Plivo did, in its words: `call fired`. Plivo: `message`. */
  message?: string | null;
  /** Id of the request for a call; JSON text of a list for several destinations. Plivo: `request_uuid`. */
  request_uuid?: string | null;
  /** Why the request failed. Plivo: `error`. */
  error?: string | null;
}

/** The response to an API request that was made asynchronously. */
export interface ApiAsyncResponseV1 extends CloudEvent<"com.plivo.api.async_response.v1", ApiAsyncResponseV1Data> {}

/** A recording of a masking session changed. */
export interface MaskingSessionRecordingV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** Where the recording is; may ask for the account's credentials. Plivo: `RecordUrl`, `RecordingURL`, `RecordFile`. */
  recording_url?: string | null;
  /** Id of the recording. Plivo: `RecordingID`, `RecordingUUID`. */
  recording_id?: string | null;
  /** Length in seconds; null while not known. Plivo: `RecordingDuration`. */
  recording_duration_s?: number | null;
  /** Length in milliseconds; null while not known. Plivo: `RecordingDurationMs`. */
  recording_duration_ms?: number | null;
  /** When it started; null while not known. Plivo: `RecordingStartMs`. */
  recording_started_at?: Moment | null;
  /** When it ended; null while not known. Plivo: `RecordingEndMs`. */
  recording_ended_at?: Moment | null;
  /** When it started; UTC. Plivo: `RecordingStartTime`. */
  recording_began_at?: Moment | null;
  /** When it ended; UTC. Plivo: `RecordingEndTime`. */
  recording_finished_at?: Moment | null;
  /** The recording's resource in the API. Plivo: `RecordingResourceURL`. */
  recording_resource_url?: string | null;
  /** File format, as sent: `mp3`, `.mp3`. Plivo: `RecordingFormat`. */
  recording_format?: string | null;
  /** Id of the session. Plivo: `SessionUUID`. */
  session_uuid: string;
  /** Plivo's word for what happened. Plivo: `EventName`. */
  event_name?: string | null;
  /** When it happened; UTC. Plivo: `EventTimestamp`. */
  event_at?: Moment | null;
  /** The first party. Plivo: `FirstParty`, `From`. */
  first_party?: Party | null;
  /** The second party. Plivo: `SecondParty`, `To`. */
  second_party?: Party | null;
  /** The number both see. Plivo: `VirtualNumber`. */
  virtual_number?: Party | null;
  /** The order these were made in. Plivo: `SequenceNumber`. */
  sequence?: number | null;
}

/** A recording of a masking session changed. */
export interface MaskingSessionRecordingV1 extends CloudEvent<"com.plivo.masking.session.recording.v1", MaskingSessionRecordingV1Data> {}

/** A masking session changed. */
export interface MaskingSessionStatusV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** Id of the session. Plivo: `SessionUUID`. */
  session_uuid: string;
  /** Plivo's word for what happened. Plivo: `EventName`. */
  event_name?: string | null;
  /** When it happened; UTC. Plivo: `EventTimestamp`. */
  event_at?: Moment | null;
  /** The first party. Plivo: `FirstParty`, `From`. */
  first_party?: Party | null;
  /** The second party. Plivo: `SecondParty`, `To`. */
  second_party?: Party | null;
  /** The number both see. Plivo: `VirtualNumber`. */
  virtual_number?: Party | null;
  /** The order these were made in. Plivo: `SequenceNumber`. */
  sequence?: number | null;
  /** What happened to whom, in one word. Plivo: `EventName`. */
  state?: MaskingState | null;
  /** `success`, `failed` or `authorizedcaller`. Plivo: `PinAuthenticationStatus`. */
  pin_status?: string | null;
  /** How often the PIN was tried again. Plivo: `PinRetryCounter`. */
  pin_retries?: number | null;
  /** Price, in the account's currency. Plivo: `Amount`. */
  amount?: string | null;
  /** Length, seconds. Plivo: `Duration`. */
  duration_s?: number | null;
  /** Seconds billed. Plivo: `BilledDuration`. */
  bill_duration_s?: number | null;
  /** Why the call ended. Plivo: `PlivoHangupCause`, `PlivoHangupCauseCode`. */
  hangup?: HangupCause | null;
}

/** A masking session changed. */
export interface MaskingSessionStatusV1 extends CloudEvent<"com.plivo.masking.session.status.v1", MaskingSessionStatusV1Data> {}

/** A message arrived: SMS, MMS or WhatsApp. */
export interface MessagingMessageInboundV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** Id of the message. Plivo: `MessageUUID`. */
  message_uuid: string;
  /** Who sent it. Plivo: `From`. */
  from?: Party | null;
  /** Who gets it. Plivo: `To`. */
  to?: Party | null;
  /** `sms`, `mms` or `whatsapp`. Open set. Plivo: `Type`. */
  message_type?: string | null;
  /** Billed units. Plivo: `Units`. */
  units?: number | null;
  /** Price a unit, in the account's currency. Plivo: `TotalRate`. */
  total_rate?: string | null;
  /** Price, in the account's currency. Plivo: `TotalAmount`. */
  total_amount?: string | null;
  /** Plivo's code of what went wrong. Plivo: `ErrorCode`. */
  error_code?: string | null;
  /** Id of the powerpack, if one was used. Plivo: `PowerpackUUID`. */
  powerpack_uuid?: string | null;
  /** The words; `Text` of SMS, `Body` of others. Plivo: `Text`, `Body`. */
  text?: string | null;
  /** `optout`, `optin`, `help`, or absent. Plivo: `MessageIntent`. */
  message_intent?: string | null;
  /** How many media there are. Plivo: `MediaCount`. */
  media_count?: number | null;
  /** URLs of the media, in their order. Plivo: `Media`. */
  media?: Array<string> | null;
  /** WhatsApp: `text`, `media`, `button`, `unknown`. Open set. Plivo: `ContentType`. */
  content_type?: string | null;
  /** WhatsApp: the media's type. Plivo: `MimeType`. */
  mime_type?: string | null;
}

/** A message arrived: SMS, MMS or WhatsApp. */
export interface MessagingMessageInboundV1 extends CloudEvent<"com.plivo.messaging.message.inbound.v1", MessagingMessageInboundV1Data> {}

/** A message's delivery changed: one callback a change. */
export interface MessagingMessageStatusV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** Id of the message. Plivo: `MessageUUID`. */
  message_uuid: string;
  /** Who sent it. Plivo: `From`. */
  from?: Party | null;
  /** Who gets it. Plivo: `To`. */
  to?: Party | null;
  /** `sms`, `mms` or `whatsapp`. Open set. Plivo: `Type`. */
  message_type?: string | null;
  /** Billed units. Plivo: `Units`. */
  units?: number | null;
  /** Price a unit, in the account's currency. Plivo: `TotalRate`. */
  total_rate?: string | null;
  /** Price, in the account's currency. Plivo: `TotalAmount`. */
  total_amount?: string | null;
  /** Plivo's code of what went wrong. Plivo: `ErrorCode`. */
  error_code?: string | null;
  /** Id of the powerpack, if one was used. Plivo: `PowerpackUUID`. */
  powerpack_uuid?: string | null;
  /** `queued`, `sent`, `delivered`, `undelivered`, `failed`, `rejected`, `read`. Open set. Plivo: `Status`. */
  status?: string | null;
  /** Mobile country code of the destination. Plivo: `MCC`. */
  mcc?: string | null;
  /** Mobile network code of the destination. Plivo: `MNC`. */
  mnc?: string | null;
  /** Id of the long message it is part of. Plivo: `ParentMessageUUID`. */
  parent_message_uuid?: string | null;
  /** Which part of a long message it is. Plivo: `PartInfo`. */
  part?: Part | null;
  /** The order Plivo made the reports in. Plivo: `Sequence`. */
  sequence?: number | null;
  /** When the message was made; UTC. Plivo: `MessageTime`. */
  message_at?: Moment | null;
  /** When it was queued; UTC. Plivo: `QueuedTime`. */
  queued_at?: Moment | null;
  /** When it was sent; UTC. Plivo: `SentTime`. */
  sent_at?: Moment | null;
  /** When it was reported on; UTC. Plivo: `DeliveryReportTime`. */
  report_at?: Moment | null;
  /** Where the API request came from. Plivo: `requester_ip`. */
  requester_ip?: string | null;
  /** WhatsApp: id of the conversation. Plivo: `ConversationID`. */
  conversation_id?: string | null;
  /** WhatsApp: `utility`, `authentication`, `marketing`, `service`. Open set. Plivo: `ConversationOrigin`. */
  conversation_origin?: string | null;
  /** WhatsApp: when the conversation ends. Plivo: `ConversationExpirationTimestamp`. */
  conversation_expires_at?: Moment | null;
}

/** A message's delivery changed: one callback a change. */
export interface MessagingMessageStatusV1 extends CloudEvent<"com.plivo.messaging.message.status.v1", MessagingMessageStatusV1Data> {}

/** The reputation of a number moved on. */
export interface NumbersCallerReputationV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
}

/** The reputation of a number moved on. */
export interface NumbersCallerReputationV1 extends CloudEvent<"com.plivo.numbers.caller_reputation.v1", NumbersCallerReputationV1Data> {}

/** The caller name of a number moved on. */
export interface NumbersCnamV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
}

/** The caller name of a number moved on. */
export interface NumbersCnamV1 extends CloudEvent<"com.plivo.numbers.cnam.v1", NumbersCnamV1Data> {}

/** A compliance application moved on. */
export interface NumbersComplianceV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
}

/** A compliance application moved on. */
export interface NumbersComplianceV1 extends CloudEvent<"com.plivo.numbers.compliance.v1", NumbersComplianceV1Data> {}

/** A 10DLC brand was created, registered or rejected. */
export interface TendlcBrandV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
}

/** A 10DLC brand was created, registered or rejected. */
export interface TendlcBrandV1 extends CloudEvent<"com.plivo.tendlc.brand.v1", TendlcBrandV1Data> {}

/** A 10DLC campaign was created, registered or rejected. */
export interface TendlcCampaignV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
}

/** A 10DLC campaign was created, registered or rejected. */
export interface TendlcCampaignV1 extends CloudEvent<"com.plivo.tendlc.campaign.v1", TendlcCampaignV1Data> {}

/** A number was linked to a 10DLC campaign, or could not be. */
export interface TendlcNumberLinkingV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
}

/** A number was linked to a 10DLC campaign, or could not be. */
export interface TendlcNumberLinkingV1 extends CloudEvent<"com.plivo.tendlc.number_linking.v1", TendlcNumberLinkingV1Data> {}

/** A number was unlinked from a 10DLC campaign, or could not be. */
export interface TendlcNumberUnlinkingV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
}

/** A number was unlinked from a 10DLC campaign, or could not be. */
export interface TendlcNumberUnlinkingV1 extends CloudEvent<"com.plivo.tendlc.number_unlinking.v1", TendlcNumberUnlinkingV1Data> {}

/** A toll-free verification moved on. */
export interface TollfreeVerificationV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
}

/** A toll-free verification moved on. */
export interface TollfreeVerificationV1 extends CloudEvent<"com.plivo.tollfree.verification.v1", TollfreeVerificationV1Data> {}

/** An attempt of a verify session changed. */
export interface VerifySessionStatusV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** Id of the session. Plivo: `SessionUUID`. */
  session_uuid?: string | null;
  /** `in-progress`, `verified`, `expired`. Open set. Plivo: `SessionStatus`. */
  session_status?: string | null;
  /** Id of the attempt. Plivo: `AttemptUUID`. */
  attempt_uuid?: string | null;
  /** Which attempt it is, from 1. Plivo: `AttemptSequence`. */
  attempt_sequence?: number | null;
  /** `sms` or `voice`. Plivo: `Channel`. */
  channel?: string | null;
  /** State of the message or call. Open set. Plivo: `ChannelStatus`. */
  channel_status?: string | null;
  /** Plivo's code of what went wrong. Plivo: `ChannelErrorCode`. */
  channel_error_code?: string | null;
  /** Who is verified. Plivo: `Recipient`. */
  recipient?: Party | null;
  /** When it was asked for; UTC. Plivo: `RequestTime`. */
  requested_at?: Moment | null;
}

/** An attempt of a verify session changed. */
export interface VerifySessionStatusV1 extends CloudEvent<"com.plivo.verify.session.status.v1", VerifySessionStatusV1Data> {}

/** A call was answered (outbound) or arrived (inbound), and Plivo asks what to do with it. */
export interface VoiceCallAnswerV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
}

/** A call was answered (outbound) or arrived (inbound), and Plivo asks what to do with it. */
export interface VoiceCallAnswerV1 extends CloudEvent<"com.plivo.voice.call.answer.v1", VoiceCallAnswerV1Data> {}

/** The answer URL failed, and Plivo asks again here. Only its path tells it from an answer. */
export interface VoiceCallFallbackV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
}

/** The answer URL failed, and Plivo asks again here. Only its path tells it from an answer. */
export interface VoiceCallFallbackV1 extends CloudEvent<"com.plivo.voice.call.fallback.v1", VoiceCallFallbackV1Data> {}

/** One call leg ended, answered or not. */
export interface VoiceCallHangupV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** Why it ended, and who ended it. Plivo: `HangupCause`, `HangupCauseCode`, `HangupCauseName`, `HangupSource`. */
  hangup?: HangupCause | null;
  /** Answer to hangup, seconds, as Plivo counts. Plivo: `Duration`. */
  duration_s?: number | null;
  /** Seconds billed, rounded up to the interval. Plivo: `BillDuration`. */
  bill_duration_s?: number | null;
  /** Price of the leg, in the account's currency. Plivo: `TotalCost`. */
  total_cost?: string | null;
  /** When the leg was placed; local time. Plivo: `StartTime`. */
  started_at?: Moment | null;
  /** When it was answered; local time. Absent if it was not. Plivo: `AnswerTime`. */
  answered_at?: Moment | null;
  /** When it ended; local time. Plivo: `EndTime`. */
  ended_at?: Moment | null;
  /** A second carrier had to be used. Plivo: `CarrierFailoverTriggered`. */
  carrier_failover_triggered?: boolean | null;
}

/** One call leg ended, answered or not. */
export interface VoiceCallHangupV1 extends CloudEvent<"com.plivo.voice.call.hangup.v1", VoiceCallHangupV1Data> {}

/** A machine answered. Plivo sends nothing for a human. */
export interface VoiceCallMachineDetectionV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** What Plivo does about it: `continue` or `hangup`. Plivo: `IfMachine`. */
  if_machine?: string | null;
}

/** A machine answered. Plivo sends nothing for a human. */
export interface VoiceCallMachineDetectionV1 extends CloudEvent<"com.plivo.voice.call.machine_detection.v1", VoiceCallMachineDetectionV1Data> {}

/** A `<Redirect>` element sent the call on. */
export interface VoiceCallRedirectV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
}

/** A `<Redirect>` element sent the call on. */
export interface VoiceCallRedirectV1 extends CloudEvent<"com.plivo.voice.call.redirect.v1", VoiceCallRedirectV1Data> {}

/** An outbound call starts ringing at the far end. May come more than once for one call. */
export interface VoiceCallRingV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
}

/** An outbound call starts ringing at the far end. May come more than once for one call. */
export interface VoiceCallRingV1 extends CloudEvent<"com.plivo.voice.call.ring.v1", VoiceCallRingV1Data> {}

/** The Transfer API sent a leg on. */
export interface VoiceCallTransferV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
}

/** The Transfer API sent a leg on. */
export interface VoiceCallTransferV1 extends CloudEvent<"com.plivo.voice.call.transfer.v1", VoiceCallTransferV1Data> {}

/** A member left a conference, and Plivo asks what comes next for that call. */
export interface VoiceConferenceActionV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** Where the recording is; may ask for the account's credentials. Plivo: `RecordUrl`, `RecordingURL`, `RecordFile`. */
  recording_url?: string | null;
  /** Id of the recording. Plivo: `RecordingID`, `RecordingUUID`. */
  recording_id?: string | null;
  /** Length in seconds; null while not known. Plivo: `RecordingDuration`. */
  recording_duration_s?: number | null;
  /** Length in milliseconds; null while not known. Plivo: `RecordingDurationMs`. */
  recording_duration_ms?: number | null;
  /** When it started; null while not known. Plivo: `RecordingStartMs`. */
  recording_started_at?: Moment | null;
  /** When it ended; null while not known. Plivo: `RecordingEndMs`. */
  recording_ended_at?: Moment | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** `enter`, `exit`, `digits`, `floor` or `record`. Open set. Plivo: `ConferenceAction`. */
  conference_action?: string | null;
  /** Id of the conference. Plivo: `ConferenceUUID`. */
  conference_uuid?: string | null;
  /** Name of the conference. Plivo: `ConferenceName`. */
  conference_name?: string | null;
  /** The member's id in the conference. Plivo: `ConferenceMemberID`. */
  conference_member_id?: string | null;
}

/** A member left a conference, and Plivo asks what comes next for that call. */
export interface VoiceConferenceActionV1 extends CloudEvent<"com.plivo.voice.conference.action.v1", VoiceConferenceActionV1Data> {}

/** A member pressed digits that were asked for. */
export interface VoiceConferenceDigitsV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** `enter`, `exit`, `digits`, `floor` or `record`. Open set. Plivo: `ConferenceAction`. */
  conference_action?: string | null;
  /** Id of the conference. Plivo: `ConferenceUUID`. */
  conference_uuid?: string | null;
  /** Name of the conference. Plivo: `ConferenceName`. */
  conference_name?: string | null;
  /** The member's id in the conference. Plivo: `ConferenceMemberID`. */
  conference_member_id?: string | null;
  /** The digits that matched. Plivo: `ConferenceDigitsMatch`. */
  conference_digits?: string | null;
}

/** A member pressed digits that were asked for. */
export interface VoiceConferenceDigitsV1 extends CloudEvent<"com.plivo.voice.conference.digits.v1", VoiceConferenceDigitsV1Data> {}

/** A member entered a conference. */
export interface VoiceConferenceEnterV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** `enter`, `exit`, `digits`, `floor` or `record`. Open set. Plivo: `ConferenceAction`. */
  conference_action?: string | null;
  /** Id of the conference. Plivo: `ConferenceUUID`. */
  conference_uuid?: string | null;
  /** Name of the conference. Plivo: `ConferenceName`. */
  conference_name?: string | null;
  /** The member's id in the conference. Plivo: `ConferenceMemberID`. */
  conference_member_id?: string | null;
  /** Whether the room was empty before. Plivo: `ConferenceFirstMember`. */
  first_member?: boolean | null;
}

/** A member entered a conference. */
export interface VoiceConferenceEnterV1 extends CloudEvent<"com.plivo.voice.conference.enter.v1", VoiceConferenceEnterV1Data> {}

/** A member left a conference. */
export interface VoiceConferenceExitV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** `enter`, `exit`, `digits`, `floor` or `record`. Open set. Plivo: `ConferenceAction`. */
  conference_action?: string | null;
  /** Id of the conference. Plivo: `ConferenceUUID`. */
  conference_uuid?: string | null;
  /** Name of the conference. Plivo: `ConferenceName`. */
  conference_name?: string | null;
  /** The member's id in the conference. Plivo: `ConferenceMemberID`. */
  conference_member_id?: string | null;
  /** Whether the room is empty now. Plivo: `ConferenceLastMember`. */
  last_member?: boolean | null;
}

/** A member left a conference. */
export interface VoiceConferenceExitV1 extends CloudEvent<"com.plivo.voice.conference.exit.v1", VoiceConferenceExitV1Data> {}

/** A member got the floor. */
export interface VoiceConferenceFloorV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** `enter`, `exit`, `digits`, `floor` or `record`. Open set. Plivo: `ConferenceAction`. */
  conference_action?: string | null;
  /** Id of the conference. Plivo: `ConferenceUUID`. */
  conference_uuid?: string | null;
  /** Name of the conference. Plivo: `ConferenceName`. */
  conference_name?: string | null;
  /** The member's id in the conference. Plivo: `ConferenceMemberID`. */
  conference_member_id?: string | null;
}

/** A member got the floor. */
export interface VoiceConferenceFloorV1 extends CloudEvent<"com.plivo.voice.conference.floor.v1", VoiceConferenceFloorV1Data> {}

/** Something else happened in a conference: `conference_action` and `event` are Plivo's words. */
export interface VoiceConferenceOtherV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** `enter`, `exit`, `digits`, `floor` or `record`. Open set. Plivo: `ConferenceAction`. */
  conference_action?: string | null;
  /** Id of the conference. Plivo: `ConferenceUUID`. */
  conference_uuid?: string | null;
  /** Name of the conference. Plivo: `ConferenceName`. */
  conference_name?: string | null;
  /** The member's id in the conference. Plivo: `ConferenceMemberID`. */
  conference_member_id?: string | null;
}

/** Something else happened in a conference: `conference_action` and `event` are Plivo's words. */
export interface VoiceConferenceOtherV1 extends CloudEvent<"com.plivo.voice.conference.other.v1", VoiceConferenceOtherV1Data> {}

/** A conference was recorded. */
export interface VoiceConferenceRecordV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** Where the recording is; may ask for the account's credentials. Plivo: `RecordUrl`, `RecordingURL`, `RecordFile`. */
  recording_url?: string | null;
  /** Id of the recording. Plivo: `RecordingID`, `RecordingUUID`. */
  recording_id?: string | null;
  /** Length in seconds; null while not known. Plivo: `RecordingDuration`. */
  recording_duration_s?: number | null;
  /** Length in milliseconds; null while not known. Plivo: `RecordingDurationMs`. */
  recording_duration_ms?: number | null;
  /** When it started; null while not known. Plivo: `RecordingStartMs`. */
  recording_started_at?: Moment | null;
  /** When it ended; null while not known. Plivo: `RecordingEndMs`. */
  recording_ended_at?: Moment | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** `enter`, `exit`, `digits`, `floor` or `record`. Open set. Plivo: `ConferenceAction`. */
  conference_action?: string | null;
  /** Id of the conference. Plivo: `ConferenceUUID`. */
  conference_uuid?: string | null;
  /** Name of the conference. Plivo: `ConferenceName`. */
  conference_name?: string | null;
  /** The member's id in the conference. Plivo: `ConferenceMemberID`. */
  conference_member_id?: string | null;
}

/** A conference was recorded. */
export interface VoiceConferenceRecordV1 extends CloudEvent<"com.plivo.voice.conference.record.v1", VoiceConferenceRecordV1Data> {}

/** Plivo asks what a conference is to hear: `waitSound`, `enterSound` or `exitSound`. */
export interface VoiceConferenceSoundV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
}

/** Plivo asks what a conference is to hear: `waitSound`, `enterSound` or `exitSound`. */
export interface VoiceConferenceSoundV1 extends CloudEvent<"com.plivo.voice.conference.sound.v1", VoiceConferenceSoundV1Data> {}

/** A recording of a conference, begun by API, is complete. */
export interface VoiceConferenceRecordingApiCompletedV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** Where the recording is; may ask for the account's credentials. Plivo: `RecordUrl`, `RecordingURL`, `RecordFile`. */
  recording_url?: string | null;
  /** Id of the recording. Plivo: `RecordingID`, `RecordingUUID`. */
  recording_id?: string | null;
  /** Length in seconds; null while not known. Plivo: `RecordingDuration`. */
  recording_duration_s?: number | null;
  /** Length in milliseconds; null while not known. Plivo: `RecordingDurationMs`. */
  recording_duration_ms?: number | null;
  /** When it started; null while not known. Plivo: `RecordingStartMs`. */
  recording_started_at?: Moment | null;
  /** When it ended; null while not known. Plivo: `RecordingEndMs`. */
  recording_ended_at?: Moment | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** The conference's name. Plivo: `conference_name`. */
  conference_name?: string | null;
  /** Id of the API request that began it. Plivo: `api_id`. */
  api_id?: string | null;
}

/** A recording of a conference, begun by API, is complete. */
export interface VoiceConferenceRecordingApiCompletedV1 extends CloudEvent<"com.plivo.voice.conference_recording_api.completed.v1", VoiceConferenceRecordingApiCompletedV1Data> {}

/** A `<Dial>` ended, and Plivo asks what comes next. */
export interface VoiceDialActionV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** `completed`, `busy`, `failed`, `cancel`, `timeout`, `no-answer`. Open set. Plivo: `DialStatus`. */
  dial_status?: string | null;
  /** Whether the far end rang. Plivo: `DialRingStatus`. */
  dial_rang?: boolean | null;
  /** Cause, in telephony's words. Plivo: `DialHangupCause`. */
  dial_hangup_cause?: string | null;
  /** Id of the leg that dialled. Plivo: `DialALegUUID`. */
  dial_a_leg_uuid?: string | null;
  /** Id of the leg that was dialled; absent if none answered. Plivo: `DialBLegUUID`. */
  dial_b_leg_uuid?: string | null;
}

/** A `<Dial>` ended, and Plivo asks what comes next. */
export interface VoiceDialActionV1 extends CloudEvent<"com.plivo.voice.dial.action.v1", VoiceDialActionV1Data> {}

/** A dialled leg answered. */
export interface VoiceDialAnswerV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** `answer`, `connected`, `digits`, `hangup`. Open set. Plivo: `DialAction`. */
  dial_action?: string | null;
  /** Id of the leg that dialled. Plivo: `DialALegUUID`. */
  dial_a_leg_uuid?: string | null;
  /** Id of the leg that was dialled. Plivo: `DialBLegUUID`. */
  dial_b_leg_uuid?: string | null;
  /** State of the dialled leg. Plivo: `DialBLegStatus`. */
  dial_b_leg_status?: string | null;
  /** Caller id the dialled leg was shown. Plivo: `DialBLegFrom`. */
  dial_b_leg_from?: Party | null;
  /** Who was dialled. Plivo: `DialBLegTo`. */
  dial_b_leg_to?: Party | null;
  /** Its place among the numbers dialled, from 1. Plivo: `DialBLegPosition`. */
  dial_b_leg_position?: number | null;
  /** Its price a minute. Plivo: `DialBLegBillRate`. */
  dial_b_leg_bill_rate?: string | null;
  /** When the leg was placed; local time. Plivo: `StartTime`. */
  started_at?: Moment | null;
  /** When it was answered; local time. Plivo: `AnswerTime`. */
  answered_at?: Moment | null;
  /** When it ended; local time. Plivo: `EndTime`. */
  ended_at?: Moment | null;
}

/** A dialled leg answered. */
export interface VoiceDialAnswerV1 extends CloudEvent<"com.plivo.voice.dial.answer.v1", VoiceDialAnswerV1Data> {}

/** A dialled leg was connected to the one that dialled. */
export interface VoiceDialConnectedV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** `answer`, `connected`, `digits`, `hangup`. Open set. Plivo: `DialAction`. */
  dial_action?: string | null;
  /** Id of the leg that dialled. Plivo: `DialALegUUID`. */
  dial_a_leg_uuid?: string | null;
  /** Id of the leg that was dialled. Plivo: `DialBLegUUID`. */
  dial_b_leg_uuid?: string | null;
  /** State of the dialled leg. Plivo: `DialBLegStatus`. */
  dial_b_leg_status?: string | null;
  /** Caller id the dialled leg was shown. Plivo: `DialBLegFrom`. */
  dial_b_leg_from?: Party | null;
  /** Who was dialled. Plivo: `DialBLegTo`. */
  dial_b_leg_to?: Party | null;
  /** Its place among the numbers dialled, from 1. Plivo: `DialBLegPosition`. */
  dial_b_leg_position?: number | null;
  /** Its price a minute. Plivo: `DialBLegBillRate`. */
  dial_b_leg_bill_rate?: string | null;
  /** When the leg was placed; local time. Plivo: `StartTime`. */
  started_at?: Moment | null;
  /** When it was answered; local time. Plivo: `AnswerTime`. */
  answered_at?: Moment | null;
  /** When it ended; local time. Plivo: `EndTime`. */
  ended_at?: Moment | null;
}

/** A dialled leg was connected to the one that dialled. */
export interface VoiceDialConnectedV1 extends CloudEvent<"com.plivo.voice.dial.connected.v1", VoiceDialConnectedV1Data> {}

/** Digits that were asked for were pressed on either leg. */
export interface VoiceDialDigitsV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** `answer`, `connected`, `digits`, `hangup`. Open set. Plivo: `DialAction`. */
  dial_action?: string | null;
  /** Id of the leg that dialled. Plivo: `DialALegUUID`. */
  dial_a_leg_uuid?: string | null;
  /** Id of the leg that was dialled. Plivo: `DialBLegUUID`. */
  dial_b_leg_uuid?: string | null;
  /** State of the dialled leg. Plivo: `DialBLegStatus`. */
  dial_b_leg_status?: string | null;
  /** Caller id the dialled leg was shown. Plivo: `DialBLegFrom`. */
  dial_b_leg_from?: Party | null;
  /** Who was dialled. Plivo: `DialBLegTo`. */
  dial_b_leg_to?: Party | null;
  /** Its place among the numbers dialled, from 1. Plivo: `DialBLegPosition`. */
  dial_b_leg_position?: number | null;
  /** Its price a minute. Plivo: `DialBLegBillRate`. */
  dial_b_leg_bill_rate?: string | null;
  /** When the leg was placed; local time. Plivo: `StartTime`. */
  started_at?: Moment | null;
  /** When it was answered; local time. Plivo: `AnswerTime`. */
  answered_at?: Moment | null;
  /** When it ended; local time. Plivo: `EndTime`. */
  ended_at?: Moment | null;
  /** The digits that matched. Plivo: `DialDigitsMatch`. */
  dial_digits?: string | null;
  /** `a_leg` or `b_leg`. Plivo: `DialDigitsPressedBy`. */
  dial_digits_pressed_by?: string | null;
}

/** Digits that were asked for were pressed on either leg. */
export interface VoiceDialDigitsV1 extends CloudEvent<"com.plivo.voice.dial.digits.v1", VoiceDialDigitsV1Data> {}

/** A dialled leg ended. Those that lost a parallel dial end with code 9000. */
export interface VoiceDialHangupV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** `answer`, `connected`, `digits`, `hangup`. Open set. Plivo: `DialAction`. */
  dial_action?: string | null;
  /** Id of the leg that dialled. Plivo: `DialALegUUID`. */
  dial_a_leg_uuid?: string | null;
  /** Id of the leg that was dialled. Plivo: `DialBLegUUID`. */
  dial_b_leg_uuid?: string | null;
  /** State of the dialled leg. Plivo: `DialBLegStatus`. */
  dial_b_leg_status?: string | null;
  /** Caller id the dialled leg was shown. Plivo: `DialBLegFrom`. */
  dial_b_leg_from?: Party | null;
  /** Who was dialled. Plivo: `DialBLegTo`. */
  dial_b_leg_to?: Party | null;
  /** Its place among the numbers dialled, from 1. Plivo: `DialBLegPosition`. */
  dial_b_leg_position?: number | null;
  /** Its price a minute. Plivo: `DialBLegBillRate`. */
  dial_b_leg_bill_rate?: string | null;
  /** When the leg was placed; local time. Plivo: `StartTime`. */
  started_at?: Moment | null;
  /** When it was answered; local time. Plivo: `AnswerTime`. */
  answered_at?: Moment | null;
  /** When it ended; local time. Plivo: `EndTime`. */
  ended_at?: Moment | null;
  /** Seconds, as Plivo counts. Plivo: `DialBLegDuration`. */
  dial_b_leg_duration_s?: number | null;
  /** Seconds billed. Plivo: `DialBLegBillDuration`. */
  dial_b_leg_bill_duration_s?: number | null;
  /** Why the dialled leg ended, and who ended it. Plivo: `DialBLegHangupCause`, `DialBLegHangupCauseCode`, `DialBLegHangupCauseName`, `DialBLegHangupSource`. */
  hangup?: HangupCause | null;
}

/** A dialled leg ended. Those that lost a parallel dial end with code 9000. */
export interface VoiceDialHangupV1 extends CloudEvent<"com.plivo.voice.dial.hangup.v1", VoiceDialHangupV1Data> {}

/** Something else happened to a dialled leg; `dial_action` and `event` are Plivo's words for it. */
export interface VoiceDialOtherV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** `answer`, `connected`, `digits`, `hangup`. Open set. Plivo: `DialAction`. */
  dial_action?: string | null;
  /** Id of the leg that dialled. Plivo: `DialALegUUID`. */
  dial_a_leg_uuid?: string | null;
  /** Id of the leg that was dialled. Plivo: `DialBLegUUID`. */
  dial_b_leg_uuid?: string | null;
  /** State of the dialled leg. Plivo: `DialBLegStatus`. */
  dial_b_leg_status?: string | null;
  /** Caller id the dialled leg was shown. Plivo: `DialBLegFrom`. */
  dial_b_leg_from?: Party | null;
  /** Who was dialled. Plivo: `DialBLegTo`. */
  dial_b_leg_to?: Party | null;
  /** Its place among the numbers dialled, from 1. Plivo: `DialBLegPosition`. */
  dial_b_leg_position?: number | null;
  /** Its price a minute. Plivo: `DialBLegBillRate`. */
  dial_b_leg_bill_rate?: string | null;
  /** When the leg was placed; local time. Plivo: `StartTime`. */
  started_at?: Moment | null;
  /** When it was answered; local time. Plivo: `AnswerTime`. */
  answered_at?: Moment | null;
  /** When it ended; local time. Plivo: `EndTime`. */
  ended_at?: Moment | null;
}

/** Something else happened to a dialled leg; `dial_action` and `event` are Plivo's words for it. */
export interface VoiceDialOtherV1 extends CloudEvent<"com.plivo.voice.dial.other.v1", VoiceDialOtherV1Data> {}

/** Plivo asks what a leg of a `<Dial>` is to hear: `confirmSound` or `dialMusic`. */
export interface VoiceDialSoundV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
}

/** Plivo asks what a leg of a `<Dial>` is to hear: `confirmSound` or `dialMusic`. */
export interface VoiceDialSoundV1 extends CloudEvent<"com.plivo.voice.dial.sound.v1", VoiceDialSoundV1Data> {}

/** Plivo asks what to do with a call, and does not say what made it ask. */
export interface VoiceFetchV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
}

/** Plivo asks what to do with a call, and does not say what made it ask. */
export interface VoiceFetchV1 extends CloudEvent<"com.plivo.voice.fetch.v1", VoiceFetchV1Data> {}

/** A caller pressed digits, and Plivo asks what comes next. */
export interface VoiceGetdigitsActionV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** The digits, without the key that finished them. Plivo: `Digits`. */
  digits?: string | null;
}

/** A caller pressed digits, and Plivo asks what comes next. */
export interface VoiceGetdigitsActionV1 extends CloudEvent<"com.plivo.voice.getdigits.action.v1", VoiceGetdigitsActionV1Data> {}

/** A caller pressed digits or spoke, and Plivo asks what comes next. */
export interface VoiceGetinputActionV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** `dtmf` or `speech`. Plivo: `InputType`. */
  input_type?: string | null;
  /** The digits; absent for speech. Plivo: `Digits`. */
  digits?: string | null;
  /** The words; absent for digits. Plivo: `Speech`. */
  speech?: string | null;
  /** 0.0 to 1.0, as decimal text. Plivo: `SpeechConfidenceScore`. */
  speech_confidence?: string | null;
  /** Price, in the account's currency. Plivo: `BilledAmount`. */
  billed_amount?: string | null;
}

/** A caller pressed digits or spoke, and Plivo asks what comes next. */
export interface VoiceGetinputActionV1 extends CloudEvent<"com.plivo.voice.getinput.action.v1", VoiceGetinputActionV1Data> {}

/** What Plivo has understood so far. Order by `sequence`, not by arrival. */
export interface VoiceGetinputInterimV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Words that will not change. Plivo: `StableSpeech`. */
  stable_speech?: string | null;
  /** Words that still may. Plivo: `UnstableSpeech`. */
  unstable_speech?: string | null;
  /** 0.0 to 1.0, as decimal text. Plivo: `Stability`. */
  stability?: string | null;
  /** The order these were made in. Plivo: `SequenceNumber`. */
  sequence?: number | null;
}

/** What Plivo has understood so far. Order by `sequence`, not by arrival. */
export interface VoiceGetinputInterimV1 extends CloudEvent<"com.plivo.voice.getinput.interim.v1", VoiceGetinputInterimV1Data> {}

/** The state of a participant's call changed. Ordinary call fields are expected, none known. */
export interface VoiceMpcCallStatusV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
}

/** The state of a participant's call changed. Ordinary call fields are expected, none known. */
export interface VoiceMpcCallStatusV1 extends CloudEvent<"com.plivo.voice.mpc.call_status.v1", VoiceMpcCallStatusV1Data> {}

/** A participant left, and Plivo asks what comes next for that call. */
export interface VoiceMpcExitV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** Id of the MultiPartyCall. Plivo's list of some events lacks it. Plivo: `MPCUUID`. */
  mpc_uuid?: string | null;
  /** Name of the MultiPartyCall. Plivo: `MPCName`, `MPCFriendlyName`. */
  mpc_name?: string | null;
  /** Plivo's word for what happened. Plivo: `EventName`. */
  event_name?: string | null;
  /** When it happened. Plivo: `EventTimestamp`. */
  event_at?: Moment | null;
  /** The participant's id in the MultiPartyCall. Plivo: `MemberID`. */
  member_id?: string | null;
  /** Id of the participant's call leg. Plivo: `ParticipantCallUUID`. */
  participant_call_uuid?: string | null;
  /** `agent`, `customer`, `supervisor`. Plivo: `ParticipantRole`. */
  participant_role?: string | null;
  /** When the participant joined. Plivo: `ParticipantJoinTime`. */
  joined_at?: Moment | null;
  /** When the participant left. Plivo: `ParticipantEndTime`. */
  left_at?: Moment | null;
}

/** A participant left, and Plivo asks what comes next for that call. */
export interface VoiceMpcExitV1 extends CloudEvent<"com.plivo.voice.mpc.exit.v1", VoiceMpcExitV1Data> {}

/** A recording of a MultiPartyCall, or of a participant, changed. */
export interface VoiceMpcRecordingV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** Where the recording is; may ask for the account's credentials. Plivo: `RecordUrl`, `RecordingURL`, `RecordFile`. */
  recording_url?: string | null;
  /** Id of the recording. Plivo: `RecordingID`, `RecordingUUID`. */
  recording_id?: string | null;
  /** Length in seconds; null while not known. Plivo: `RecordingDuration`. */
  recording_duration_s?: number | null;
  /** Length in milliseconds; null while not known. Plivo: `RecordingDurationMs`. */
  recording_duration_ms?: number | null;
  /** When it started; null while not known. Plivo: `RecordingStartMs`. */
  recording_started_at?: Moment | null;
  /** When it ended; null while not known. Plivo: `RecordingEndMs`. */
  recording_ended_at?: Moment | null;
  /** When it started; UTC. Plivo: `RecordingStartTime`. */
  recording_began_at?: Moment | null;
  /** When it ended; UTC. Plivo: `RecordingEndTime`. */
  recording_finished_at?: Moment | null;
  /** The recording's resource in the API. Plivo: `RecordingResourceURL`. */
  recording_resource_url?: string | null;
  /** File format, as sent: `mp3`, `.mp3`. Plivo: `RecordingFormat`. */
  recording_format?: string | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of the MultiPartyCall. Plivo's list of some events lacks it. Plivo: `MPCUUID`. */
  mpc_uuid?: string | null;
  /** Name of the MultiPartyCall. Plivo: `MPCName`, `MPCFriendlyName`. */
  mpc_name?: string | null;
  /** Plivo's word for what happened. Plivo: `EventName`. */
  event_name?: string | null;
  /** When it happened. Plivo: `EventTimestamp`. */
  event_at?: Moment | null;
  /** The participant's id in the MultiPartyCall. Plivo: `MemberID`. */
  member_id?: string | null;
  /** Id of the participant's call leg. Plivo: `ParticipantCallUUID`. */
  participant_call_uuid?: string | null;
  /** `agent`, `customer`, `supervisor`. Plivo: `ParticipantRole`. */
  participant_role?: string | null;
  /** The order these were made in. Plivo: `SequenceNumber`. */
  sequence?: number | null;
}

/** A recording of a MultiPartyCall, or of a participant, changed. */
export interface VoiceMpcRecordingV1 extends CloudEvent<"com.plivo.voice.mpc.recording.v1", VoiceMpcRecordingV1Data> {}

/** Plivo asks what a MultiPartyCall is to hear. It asks by GET. */
export interface VoiceMpcSoundV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
}

/** Plivo asks what a MultiPartyCall is to hear. It asks by GET. */
export interface VoiceMpcSoundV1 extends CloudEvent<"com.plivo.voice.mpc.sound.v1", VoiceMpcSoundV1Data> {}

/** A MultiPartyCall or a participant of it changed. */
export interface VoiceMpcStatusV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of the MultiPartyCall. Plivo's list of some events lacks it. Plivo: `MPCUUID`. */
  mpc_uuid?: string | null;
  /** Name of the MultiPartyCall. Plivo: `MPCName`, `MPCFriendlyName`. */
  mpc_name?: string | null;
  /** Plivo's word for what happened. Plivo: `EventName`. */
  event_name?: string | null;
  /** When it happened. Plivo: `EventTimestamp`. */
  event_at?: Moment | null;
  /** The participant's id in the MultiPartyCall. Plivo: `MemberID`. */
  member_id?: string | null;
  /** Id of the participant's call leg. Plivo: `ParticipantCallUUID`. */
  participant_call_uuid?: string | null;
  /** `agent`, `customer`, `supervisor`. Plivo: `ParticipantRole`. */
  participant_role?: string | null;
  /** Whether the participant coaches. Plivo: `ParticipantCoachMode`. */
  coach_mode?: boolean | null;
  /** Length, seconds; at its end. Plivo: `MPCDuration`. */
  duration_s?: number | null;
  /** Seconds billed; at its end. Plivo: `MPCBilledDuration`. */
  bill_duration_s?: number | null;
  /** Price, in the account's currency. Plivo: `MPCBilledAmount`. */
  billed_amount?: string | null;
}

/** A MultiPartyCall or a participant of it changed. */
export interface VoiceMpcStatusV1 extends CloudEvent<"com.plivo.voice.mpc.status.v1", VoiceMpcStatusV1Data> {}

/** A `<Record>` ended or began, and Plivo asks what comes next. */
export interface VoiceRecordActionV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** Where the recording is; may ask for the account's credentials. Plivo: `RecordUrl`, `RecordingURL`, `RecordFile`. */
  recording_url?: string | null;
  /** Id of the recording. Plivo: `RecordingID`, `RecordingUUID`. */
  recording_id?: string | null;
  /** Length in seconds; null while not known. Plivo: `RecordingDuration`. */
  recording_duration_s?: number | null;
  /** Length in milliseconds; null while not known. Plivo: `RecordingDurationMs`. */
  recording_duration_ms?: number | null;
  /** When it started; null while not known. Plivo: `RecordingStartMs`. */
  recording_started_at?: Moment | null;
  /** When it ended; null while not known. Plivo: `RecordingEndMs`. */
  recording_ended_at?: Moment | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** The key that stopped it; absent if none did. Plivo: `Digits`. */
  digits?: string | null;
  /** Why it ended, in Plivo's words. Plivo: `RecordingEndReason`. */
  recording_end_reason?: string | null;
}

/** A `<Record>` ended or began, and Plivo asks what comes next. */
export interface VoiceRecordActionV1 extends CloudEvent<"com.plivo.voice.record.action.v1", VoiceRecordActionV1Data> {}

/** A recording of a `<Record>` is complete. */
export interface VoiceRecordCompletedV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** Where the recording is; may ask for the account's credentials. Plivo: `RecordUrl`, `RecordingURL`, `RecordFile`. */
  recording_url?: string | null;
  /** Id of the recording. Plivo: `RecordingID`, `RecordingUUID`. */
  recording_id?: string | null;
  /** Length in seconds; null while not known. Plivo: `RecordingDuration`. */
  recording_duration_s?: number | null;
  /** Length in milliseconds; null while not known. Plivo: `RecordingDurationMs`. */
  recording_duration_ms?: number | null;
  /** When it started; null while not known. Plivo: `RecordingStartMs`. */
  recording_started_at?: Moment | null;
  /** When it ended; null while not known. Plivo: `RecordingEndMs`. */
  recording_ended_at?: Moment | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, `timeout`, `no-answer`, `cancel`. Open set. Plivo: `CallStatus`. */
  call_status?: string | null;
  /** Caller name; an endpoint's user name for SIP. Plivo: `CallerName`. */
  caller_name?: string | null;
  /** Number the call was forwarded from, if carriers say. Plivo: `ForwardedFrom`. */
  forwarded_from?: Party | null;
  /** Id of the API request that placed the call; outbound only. Plivo: `RequestUUID`. */
  request_uuid?: string | null;
  /** Id of the call's first leg. Plivo: `ALegUUID`. */
  a_leg_uuid?: string | null;
  /** Request id of the call's first leg. Plivo: `ALegRequestUUID`. */
  a_leg_request_uuid?: string | null;
  /** When early media started; UTC. Not constant over a call: no key. Plivo: `SessionStart`. */
  session_started_at?: Moment | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
  /** Price a minute, in the account's currency. Plivo: `BillRate`. */
  bill_rate?: string | null;
  /** Country of the destination, two letters. Plivo: `CountryCode`. */
  country_code?: string | null;
  /** Plivo's kind of route. Plivo: `RouteType`. */
  route_type?: string | null;
  /** Compliance application's id. Plivo: `ComplianceApplicationId`. */
  compliance_application_id?: string | null;
  /** Compliance application's status. Plivo: `ComplianceStatus`. */
  compliance_status?: string | null;
  /** STIR/SHAKEN standing of the caller id. Not sent with every callback. Plivo: `STIRVerification`, `STIRAttestation`. */
  stir?: Stir | null;
  /** What machine detection found. Plivo: `Machine`. */
  machine?: Machine | null;
  /** The raw SIP To header. Plivo: `SIP-H-To`. */
  sip_to_header?: string | null;
  /** How an inbound SIP leg was authenticated. Plivo: `SIPAuthType`. */
  sip_auth_type?: string | null;
  /** Whom it was authenticated as. Plivo: `SIPAuthUser`. */
  sip_auth_user?: string | null;
  /** Where an inbound SIP leg came from. Plivo: `SIPSourceIP`. */
  sip_source_ip?: string | null;
  /** Why it ended, in Plivo's words. Plivo: `RecordingEndReason`. */
  recording_end_reason?: string | null;
}

/** A recording of a `<Record>` is complete. */
export interface VoiceRecordCompletedV1 extends CloudEvent<"com.plivo.voice.record.completed.v1", VoiceRecordCompletedV1Data> {}

/** A recording of a call, begun by API, is complete. */
export interface VoiceRecordingApiCompletedV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** Where the recording is; may ask for the account's credentials. Plivo: `RecordUrl`, `RecordingURL`, `RecordFile`. */
  recording_url?: string | null;
  /** Id of the recording. Plivo: `RecordingID`, `RecordingUUID`. */
  recording_id?: string | null;
  /** Length in seconds; null while not known. Plivo: `RecordingDuration`. */
  recording_duration_s?: number | null;
  /** Length in milliseconds; null while not known. Plivo: `RecordingDurationMs`. */
  recording_duration_ms?: number | null;
  /** When it started; null while not known. Plivo: `RecordingStartMs`. */
  recording_started_at?: Moment | null;
  /** When it ended; null while not known. Plivo: `RecordingEndMs`. */
  recording_ended_at?: Moment | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of the call leg. Plivo: `call_uuid`. */
  call_uuid?: string | null;
  /** Id of the API request that began it. Plivo: `api_id`. */
  api_id?: string | null;
}

/** A recording of a call, begun by API, is complete. */
export interface VoiceRecordingApiCompletedV1 extends CloudEvent<"com.plivo.voice.recording_api.completed.v1", VoiceRecordingApiCompletedV1Data> {}

/** A stream of a call's audio changed. */
export interface VoiceStreamStatusV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of this call leg. Plivo's lists of some callbacks lack it. Plivo: `CallUUID`. */
  call_uuid?: string | null;
  /** Plivo's word for what happened. Plivo: `Event`. */
  event?: string | null;
  /** Id of the stream. Plivo: `StreamID`. */
  stream_id?: string | null;
  /** `started`, `stopped`, `dropped`, `degraded`, `failed`, `played`. Plivo: `Event`. */
  state?: string | null;
  /** Who calls. Plivo: `From`. */
  from?: Party | null;
  /** Who is called. Plivo: `To`. */
  to?: Party | null;
  /** `inbound` or `outbound`, seen from Plivo. Plivo: `Direction`. */
  direction?: string | null;
  /** When it happened; no page says in which zone. Plivo: `Timestamp`. */
  stream_at?: Moment | null;
  /** Where the audio goes. Plivo: `ServiceURL`. */
  service_url?: string | null;
  /** Why, in Plivo's words. Plivo: `StatusReason`, `Error`. */
  status_reason?: string | null;
  /** Length, seconds. Plivo: `Duration`. */
  duration_s?: number | null;
  /** The checkpoint that was played. Plivo: `Name`. */
  name?: string | null;
  /** Whether the service may send audio back. Plivo: `bidirectional`. */
  bidirectional?: boolean | null;
  /** `inbound`, `outbound` or `both`. Plivo: `audioTrack`. */
  audio_track?: string | null;
  /** The longest the stream may last, seconds. Plivo: `streamTimeout`. */
  stream_timeout_s?: number | null;
  /** Codec and sample rate of the audio. Plivo: `contentType`. */
  content_type?: string | null;
  /** What the customer passes to the service. Plivo: `extraHeaders`. */
  extra_headers?: string | null;
  /** Whether the call's XML waits until the stream has ended. Plivo: `keepCallAlive`. */
  keep_call_alive?: boolean | null;
  /** Auth id of the main account. Plivo: `ParentAuthID`. */
  parent_auth_id?: string | null;
}

/** A stream of a call's audio changed. */
export interface VoiceStreamStatusV1 extends CloudEvent<"com.plivo.voice.stream.status.v1", VoiceStreamStatusV1Data> {}

/** A recording was transcribed, or could not be. */
export interface VoiceTranscriptionV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
  /** What it can be joined with other events by. */
  correlation: Correlation;
  /** Custom SIP headers of the call, by name. Plivo: `X-PH-`. */
  sip_headers?: Record<string, string> | null;
  /** Id of the recording. Plivo: `recording_id`. */
  recording_id?: string | null;
  /** Id of the call leg it is of. Plivo: `call_uuid`. */
  call_uuid?: string | null;
  /** The words; text that may be JSON. Plivo: `transcription`. */
  transcription?: string | null;
  /** Why there are none. Plivo: `error`. */
  error?: string | null;
  /** Length of the recording, seconds. Plivo: `duration`. */
  duration_s?: number | null;
  /** Price, in the account's currency. Plivo: `transcription_charge`. */
  transcription_charge?: string | null;
  /** Price a minute. Plivo: `transcription_rate`. */
  transcription_rate?: string | null;
}

/** A recording was transcribed, or could not be. */
export interface VoiceTranscriptionV1 extends CloudEvent<"com.plivo.voice.transcription.v1", VoiceTranscriptionV1Data> {}

/** A callback of a type the bridge has no declaration for. All it carried is in `undeclared`. */
export interface UnrecognisedV1Data {
  /** When the bridge received it, RFC 3339 UTC. */
  received_at: string;
  /** The field the event's `time` is from, or `received`. */
  time_source: string;
  /** What told the type apart. */
  recognised_by: "path" | "parameters" | (string & {});
  verification: Verification;
  /** The customer's own query parameters of the configured URL. */
  context: Record<string, Array<string>>;
  /** Parameters of Plivo's that no declaration knows, as they came. */
  undeclared: Record<string, Array<string>>;
  /** Parameters that could not be read, as they came. */
  unreadable: Array<Unread>;
  /** Set when Plivo's local times are not in the account's configured zone. */
  zone_mismatch?: ZoneMismatch | null;
}

/** A callback of a type the bridge has no declaration for. All it carried is in `undeclared`. */
export interface UnrecognisedV1 extends CloudEvent<"com.plivo.unrecognised.v1", UnrecognisedV1Data> {}

/** A callback as it came, and what the bridge made of it. */
export interface JournalRecord {
  /** `GET` or `POST`. */
  method: string;
  /** The URL as it reached the bridge. */
  url_received: string;
  /** The URL the signature was checked against. */
  url_verified: string;
  /** What stands before the path in it. */
  public_origin: string;
  /** The path, percent-encoded. */
  path: string;
  /** The query, percent-encoded. */
  query: string;
  /** The headers that matter, names in lower case. */
  headers: Array<[string, string]>;
  /** The body, where it is plain text. */
  body?: string;
  /** The body, where it is not. */
  body_base64?: string;
  /** The peer's address. */
  remote_address: string;
  /** RFC 3339 UTC. */
  received_at: string;
  /** The account, as in the event's `source`. */
  source: string;
  /** The account's zone local times were read in. */
  zone: string | null;
  verification: Verification;
  /** The events made of it, if any. */
  events: Array<EventName>;
  reply: ReplyGiven;
  /** The version that took it in. */
  bridge_version: string;
}

/** Every event's interface, by its type. */
export interface PlivoEvents {
  "com.plivo.api.async_response.v1": ApiAsyncResponseV1;
  "com.plivo.masking.session.recording.v1": MaskingSessionRecordingV1;
  "com.plivo.masking.session.status.v1": MaskingSessionStatusV1;
  "com.plivo.messaging.message.inbound.v1": MessagingMessageInboundV1;
  "com.plivo.messaging.message.status.v1": MessagingMessageStatusV1;
  "com.plivo.numbers.caller_reputation.v1": NumbersCallerReputationV1;
  "com.plivo.numbers.cnam.v1": NumbersCnamV1;
  "com.plivo.numbers.compliance.v1": NumbersComplianceV1;
  "com.plivo.tendlc.brand.v1": TendlcBrandV1;
  "com.plivo.tendlc.campaign.v1": TendlcCampaignV1;
  "com.plivo.tendlc.number_linking.v1": TendlcNumberLinkingV1;
  "com.plivo.tendlc.number_unlinking.v1": TendlcNumberUnlinkingV1;
  "com.plivo.tollfree.verification.v1": TollfreeVerificationV1;
  "com.plivo.verify.session.status.v1": VerifySessionStatusV1;
  "com.plivo.voice.call.answer.v1": VoiceCallAnswerV1;
  "com.plivo.voice.call.fallback.v1": VoiceCallFallbackV1;
  "com.plivo.voice.call.hangup.v1": VoiceCallHangupV1;
  "com.plivo.voice.call.machine_detection.v1": VoiceCallMachineDetectionV1;
  "com.plivo.voice.call.redirect.v1": VoiceCallRedirectV1;
  "com.plivo.voice.call.ring.v1": VoiceCallRingV1;
  "com.plivo.voice.call.transfer.v1": VoiceCallTransferV1;
  "com.plivo.voice.conference.action.v1": VoiceConferenceActionV1;
  "com.plivo.voice.conference.digits.v1": VoiceConferenceDigitsV1;
  "com.plivo.voice.conference.enter.v1": VoiceConferenceEnterV1;
  "com.plivo.voice.conference.exit.v1": VoiceConferenceExitV1;
  "com.plivo.voice.conference.floor.v1": VoiceConferenceFloorV1;
  "com.plivo.voice.conference.other.v1": VoiceConferenceOtherV1;
  "com.plivo.voice.conference.record.v1": VoiceConferenceRecordV1;
  "com.plivo.voice.conference.sound.v1": VoiceConferenceSoundV1;
  "com.plivo.voice.conference_recording_api.completed.v1": VoiceConferenceRecordingApiCompletedV1;
  "com.plivo.voice.dial.action.v1": VoiceDialActionV1;
  "com.plivo.voice.dial.answer.v1": VoiceDialAnswerV1;
  "com.plivo.voice.dial.connected.v1": VoiceDialConnectedV1;
  "com.plivo.voice.dial.digits.v1": VoiceDialDigitsV1;
  "com.plivo.voice.dial.hangup.v1": VoiceDialHangupV1;
  "com.plivo.voice.dial.other.v1": VoiceDialOtherV1;
  "com.plivo.voice.dial.sound.v1": VoiceDialSoundV1;
  "com.plivo.voice.fetch.v1": VoiceFetchV1;
  "com.plivo.voice.getdigits.action.v1": VoiceGetdigitsActionV1;
  "com.plivo.voice.getinput.action.v1": VoiceGetinputActionV1;
  "com.plivo.voice.getinput.interim.v1": VoiceGetinputInterimV1;
  "com.plivo.voice.mpc.call_status.v1": VoiceMpcCallStatusV1;
  "com.plivo.voice.mpc.exit.v1": VoiceMpcExitV1;
  "com.plivo.voice.mpc.recording.v1": VoiceMpcRecordingV1;
  "com.plivo.voice.mpc.sound.v1": VoiceMpcSoundV1;
  "com.plivo.voice.mpc.status.v1": VoiceMpcStatusV1;
  "com.plivo.voice.record.action.v1": VoiceRecordActionV1;
  "com.plivo.voice.record.completed.v1": VoiceRecordCompletedV1;
  "com.plivo.voice.recording_api.completed.v1": VoiceRecordingApiCompletedV1;
  "com.plivo.voice.stream.status.v1": VoiceStreamStatusV1;
  "com.plivo.voice.transcription.v1": VoiceTranscriptionV1;
  "com.plivo.unrecognised.v1": UnrecognisedV1;
}

/** Any event of a type known here. Others may come: have a default. */
export type PlivoEvent = PlivoEvents[keyof PlivoEvents];
