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

# A module, and so no plan without `terraform init` before it, as of any infrastructure that has more than built-in parts.
module "namespace" {
  source     = "./namespace"
  name       = var.namespace
  depends_on = [terraform_data.nodes]
}

output "namespace" {
  value = module.namespace.name
}
