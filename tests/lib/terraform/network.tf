locals {
  zones = { a = "${var.region}a", b = "${var.region}b" }
  cidrs = {
    public  = { a = "10.0.1.0/24", b = "10.0.2.0/24" }
    private = { a = "10.0.11.0/24", b = "10.0.12.0/24" }
  }
}

resource "aws_vpc" "main" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.name_prefix }
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = var.name_prefix }
}

resource "aws_subnet" "public" {
  for_each          = local.cidrs.public
  vpc_id            = aws_vpc.main.id
  cidr_block        = each.value
  availability_zone = local.zones[each.key]
  tags = {
    Name                                          = "${var.name_prefix}-public-${each.key}"
    "kubernetes.io/role/elb"                      = "1"
    "kubernetes.io/cluster/${local.cluster_name}" = "shared"
  }
}

resource "aws_subnet" "private" {
  for_each          = local.cidrs.private
  vpc_id            = aws_vpc.main.id
  cidr_block        = each.value
  availability_zone = local.zones[each.key]
  tags = {
    Name                                          = "${var.name_prefix}-private-${each.key}"
    "kubernetes.io/role/internal-elb"             = "1"
    "kubernetes.io/cluster/${local.cluster_name}" = "shared"
  }
}

resource "aws_eip" "nat" {
  domain = "vpc"
  tags   = { Name = "${var.name_prefix}-nat" }
}

resource "aws_nat_gateway" "main" {
  subnet_id     = aws_subnet.public["a"].id
  allocation_id = aws_eip.nat.allocation_id
  tags          = { Name = var.name_prefix }
  depends_on    = [aws_internet_gateway.main]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = "${var.name_prefix}-public" }

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.main.id
  }
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = "${var.name_prefix}-private" }

  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.main.id
  }
}

resource "aws_route_table_association" "public" {
  for_each       = aws_subnet.public
  route_table_id = aws_route_table.public.id
  subnet_id      = each.value.id
}

resource "aws_route_table_association" "private" {
  for_each       = aws_subnet.private
  route_table_id = aws_route_table.private.id
  subnet_id      = each.value.id
}

resource "aws_security_group" "cluster" {
  name        = "${local.cluster_name}-control-plane"
  description = "Control plane of ${local.cluster_name}"
  vpc_id      = aws_vpc.main.id

  ingress {
    description = "The API from inside the VPC"
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = [aws_vpc.main.cidr_block]
  }

  egress {
    description = "Everything out"
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "database" {
  name        = local.database
  description = "Database ${local.database}"
  vpc_id      = aws_vpc.main.id

  ingress {
    description = "PostgreSQL from inside the VPC"
    protocol    = "tcp"
    from_port   = 5432
    to_port     = 5432
    cidr_blocks = [aws_vpc.main.cidr_block]
  }

  ingress {
    description = "And from where it was allowed"
    protocol    = "tcp"
    from_port   = 5432
    to_port     = 5432
    self        = true
  }
}

resource "aws_security_group" "studio" {
  name        = local.domain
  description = "Apps of ${local.domain}"
  vpc_id      = aws_vpc.main.id

  ingress {
    description = "Apps among themselves and with their home directories"
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    self        = true
  }

  egress {
    description = "Everything out"
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}
