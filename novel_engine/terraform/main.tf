# The infrastructure that Novel Engine stands on, by Terraform's built-in provider alone: nothing is downloaded. Each resource asks the cluster at
# every apply, since the built-in provider cannot see what was lost: what is there stays as it is (novel_engine/README.md). OpenTofu takes it too.
#   terraform -chdir=terraform init; terraform -chdir=terraform plan -out=restore.tfplan; terraform -chdir=terraform apply restore.tfplan
# Then the state is handed to the weekly backup (novel_engine/README.md).
terraform {
  required_version = ">= 1.5"
}

variable "namespace" {
  type    = string
  default = "novel-engine-production"
}

resource "terraform_data" "nodes" {
  triggers_replace = plantimestamp()
  provisioner "local-exec" {
    command = "kubectl wait node --all --for=condition=Ready --timeout=180s"
  }
}

resource "terraform_data" "namespace" {
  depends_on       = [terraform_data.nodes]
  input            = var.namespace
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
    environment = { NAME = var.namespace }
  }
}

output "namespace" {
  value = terraform_data.namespace.output
}
