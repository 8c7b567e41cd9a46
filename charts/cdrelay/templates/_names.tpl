{{/* Names, labels and the image. */}}

{{/* The chart's name, as a label. */}}
{{- define "cdrelay.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{/* The name of all objects. 52 characters: a StatefulSet's pods and their
     controller-revision label must fit into 63. */}}
{{- define "cdrelay.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "cdrelay.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "cdrelay.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What Services, budgets, policies and monitors select pods by. In a library's
     pods the usual labels belong to the chart around it. */}}
{{- define "cdrelay.selectorLabels" -}}
{{- if .Values.library -}}
cdrelay: {{ include "cdrelay.fullname" . }}
{{- else -}}
app.kubernetes.io/name: {{ include "cdrelay.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- end }}

{{/* The chart's labels of every object but pods. */}}
{{- define "cdrelay.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "cdrelay.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* The metadata of an object. The chart's own labels win, for selectors need them; then
     the object's, then the common ones. Call it with a dict: root, name, and optionally
     labels and annotations. */}}
{{- define "cdrelay.metadata" -}}
{{- $labels := merge (include "cdrelay.labels" .root | fromYaml) (default dict .labels) .root.Values.commonLabels -}}
{{- $annotations := merge (dict) (default dict .annotations) .root.Values.commonAnnotations -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "cdrelay.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "cdrelay.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The governing Service of the StatefulSet, and where health, metrics and API are. */}}
{{- define "cdrelay.adminServiceName" -}}
{{- include "cdrelay.fullname" . }}-admin
{{- end }}

{{- define "cdrelay.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}
