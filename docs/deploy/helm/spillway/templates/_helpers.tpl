{{- define "spillway.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "spillway.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "spillway.labels" -}}
{{ include "spillway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* The names that clients call it by inside the cluster, and those of the ingress, beside what config says. */}}
{{- define "spillway.config" -}}
{{- $name := include "spillway.name" . }}
{{- $names := list $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace) (printf "%s.%s.svc.cluster.local" $name .Release.Namespace) }}
{{- $hosts := concat $names (ternary .Values.ingress.hosts list .Values.ingress.enabled) (.Values.config.server.allowedHosts | default list) | uniq }}
{{- $server := merge (dict "allowedHosts" $hosts) .Values.config.server }}
{{- toYaml (merge (dict "server" $server) .Values.config) }}
{{- end }}

{{/* Seconds of a duration such as 10s, 2m or 500ms. */}}
{{- define "spillway.seconds" -}}
{{- $text := . | toString }}
{{- if hasSuffix "ms" $text }}1
{{- else if hasSuffix "s" $text }}{{ trimSuffix "s" $text | float64 | ceil | int }}
{{- else if hasSuffix "m" $text }}{{ mulf 60 (trimSuffix "m" $text | float64) | ceil | int }}
{{- else }}{{ fail (printf "%s: expected a duration such as 10s or 2m" $text) }}
{{- end }}
{{- end }}

{{/* Longer than what the gateway takes to stop: drainDelay, drainFor, and 5 s for each thing that it closes. */}}
{{- define "spillway.grace" -}}
{{- $delay := include "spillway.seconds" (.Values.config.server.drainDelay | default "0s") | int }}
{{- $drain := include "spillway.seconds" (.Values.config.server.drainFor | default "30s") | int }}
{{- add $delay $drain 15 }}
{{- end }}
