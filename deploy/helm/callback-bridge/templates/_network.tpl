{{/* Egress rules to names and to Kafka, and what else is allowed: for the bridge and for every Job. */}}
{{- define "callback-bridge.egress" -}}
{{- $ports := .Values.networkPolicy.kafkaPorts }}
{{- if not $ports }}
{{- range splitList "," .Values.kafka.bootstrapServers }}{{ $ports = append $ports (splitList ":" . | last | int) }}{{ end }}
{{- end }}
{{- $kafka := .Values.kafka -}}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
- ports:
    {{- range $ports | uniq }}
    - port: {{ . }}
    {{- end }}
  {{- with .Values.networkPolicy.kafkaTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- if and (hasPrefix "SASL" $kafka.securityProtocol) (eq $kafka.sasl.mechanism "OAUTHBEARER") }}
{{- $url := urlParse $kafka.sasl.oauthTokenUrl }}
- ports:
    - port: {{ contains ":" $url.host | ternary (splitList ":" $url.host | last) (eq $url.scheme "https" | ternary "443" "80") }}
{{- end }}
{{- with .Values.networkPolicy.egress }}
{{ toYaml . }}
{{- end }}
{{- end }}
