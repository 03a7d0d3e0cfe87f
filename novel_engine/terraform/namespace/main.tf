# A namespace, made where there is none.
variable "name" {
  type = string
}

resource "terraform_data" "namespace" {
  input            = var.name
  triggers_replace = plantimestamp()
  # One that is being deleted is no namespace: its end is waited for.
  provisioner "local-exec" {
    command     = <<-END
      set -eu
      if [ "$(kubectl get namespace "$NAME" -o 'jsonpath={.status.phase}' --ignore-not-found)" = Terminating ]; then
          kubectl wait namespace "$NAME" --for=delete --timeout=180s
      fi
      kubectl get namespace "$NAME" 2>/dev/null || kubectl create namespace "$NAME"
    END
    environment = { NAME = var.name }
  }
}

output "name" {
  value = terraform_data.namespace.output
}
