{{/* The named templates that make up the pod. This chart's StatefulSet is built from
     them, and so may be a workload of another chart that has this one as a dependency
     with `library: true`. There, hand over the dependency's own scope:

       initContainers:
         {{- include "cdrelay.initContainers" .Subcharts.cdrelay | nindent 8 }}

     The example is in charts/examples/library. */}}

{{/* Labels of the pod; Services, budget, policies and monitors find it by them. The
     chart's version is not among them: it alone is no reason for a restart. */}}
{{- define "cdrelay.podLabels" -}}
{{- $labels := include "cdrelay.selectorLabels" . | fromYaml }}
{{- if not .Values.library }}
{{- $_ := set $labels "app.kubernetes.io/version" .Chart.AppVersion }}
{{- $labels = merge $labels .Values.podLabels .Values.commonLabels }}
{{- end }}
{{- toYaml (merge $labels .Values.podLabels) }}
{{- end }}

{{/* Annotations of the pod: a restart when, and only when, a key has changed that
     cannot be reloaded. */}}
{{- define "cdrelay.podAnnotations" -}}
{{- $annotations := dict "checksum/restart-keys" (include "cdrelay.restartKeys" .) }}
{{- if not .Values.library }}
{{- $_ := set $annotations "kubectl.kubernetes.io/default-container" (include "cdrelay.mainContainer" .) }}
{{- end }}
{{- toYaml (merge (dict) .Values.podAnnotations $annotations) }}
{{- end }}

{{/* What `kubectl logs` and `kubectl exec` mean without -c. */}}
{{- define "cdrelay.mainContainer" -}}
{{- if .Values.app.enabled }}{{ default "app" .Values.app.container.name }}{{ else }}cdrelay{{ end }}
{{- end }}

{{/* The pod's security context: `fsGroup` makes the volume writable. */}}
{{- define "cdrelay.podSecurityContext" -}}
{{- toYaml .Values.podSecurityContext }}
{{- end }}

{{/* Init containers: the check first, so that a bad configuration stops the pod before
     anything has started; then, beside an application, the server. Yours come after. */}}
{{- define "cdrelay.initContainers" -}}
{{- $containers := list }}
{{- if .Values.check.enabled }}
{{- $containers = append $containers (include "cdrelay.checkContainer" .) }}
{{- end }}
{{- if include "cdrelay.beside" . }}
{{- $containers = append $containers (include "cdrelay.serverContainer" .) }}
{{- end }}
{{- range $i, $container := $containers }}
{{- if $i }}
{{ end }}
{{- printf "- %s" ($container | indent 2 | trim) }}
{{- end }}
{{- end }}

{{/* Volumes; `data` comes from cdrelay.volumeClaimTemplates where it is not here. */}}
{{- define "cdrelay.volumes" -}}
{{- $persistence := .Values.persistence -}}
- name: config
  configMap:
    name: {{ include "cdrelay.fullname" . }}
- name: tmp
  emptyDir:
    sizeLimit: 256Mi
{{- if not $persistence.enabled }}
- name: data
  emptyDir:
    sizeLimit: {{ $persistence.size }}
{{- else if $persistence.existingClaim }}
- name: data
  persistentVolumeClaim:
    claimName: {{ $persistence.existingClaim }}
{{- end }}
{{- range $i, $name := .Values.secrets.files }}
- name: secret-{{ $i }}
  secret:
    secretName: {{ $name }}
    # Root and the group of podSecurityContext.fsGroup.
    defaultMode: 0440
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Volume claim templates: the spool's; nothing where the volume is one of
     cdrelay.volumes. */}}
{{- define "cdrelay.volumeClaimTemplates" -}}
{{- $persistence := .Values.persistence -}}
{{- if and $persistence.enabled (not $persistence.existingClaim) -}}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata:
    name: data
    labels:
      {{- include "cdrelay.selectorLabels" . | nindent 6 }}
      {{- with $persistence.labels }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    {{- with $persistence.annotations }}
    annotations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  spec:
    accessModes:
      {{- toYaml $persistence.accessModes | nindent 6 }}
    {{- with $persistence.storageClass }}
    storageClassName: {{ . }}
    {{- end }}
    resources:
      requests:
        storage: {{ $persistence.size }}
{{- end }}
{{- end }}
