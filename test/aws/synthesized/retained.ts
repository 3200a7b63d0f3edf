import { describe, expect, it } from "vitest";
import { STATEFUL } from "../../../infra/aws/replacing";
import type { Template } from "../../../infra/aws/templates";
import { minimalAws, productionAws, withAws } from "../../fixtures/aws";
import { ofType, templatesOf, text } from "../../fixtures/templates";

const production = templatesOf(productionAws);

describe("what outlives its stack", () => {
  const RETAINED = [...STATEFUL.filter((type) => !type.startsWith("AWS::EC2")), "AWS::RDS::DBParameterGroup"];

  it("is kept when it is removed or replaced, and taken away when its first deployment fails", () => {
    const all = Object.values(production).flatMap((template) => RETAINED.flatMap((type) => Object.entries(ofType(template, type))));
    // What encrypts alarms stores nothing.
    const kept = all.filter(([id]) => !id.startsWith("AlarmKey"));
    const retained = kept.filter(([, { Properties }]) => Properties?.SourceDBInstanceIdentifier === undefined);
    expect(retained).toHaveLength(10);
    for (const [id, { DeletionPolicy, UpdateReplacePolicy }] of retained)
      expect([id, DeletionPolicy, UpdateReplacePolicy]).toEqual([id, "RetainExceptOnCreate", "Retain"]);
    const others = [
      ...Object.entries(ofType(production.database, "AWS::EC2::SecurityGroup")),
      ...Object.entries(ofType(production.database, "AWS::IAM::Role")),
    ];
    const its = others.filter(([id]) => id.startsWith("main"));
    expect(its.map(([, resource]) => resource.DeletionPolicy)).toEqual(["RetainExceptOnCreate", "RetainExceptOnCreate"]);
  });

  it("is not a replica, which has no data of its own and may be deleted", () => {
    const [replica] = Object.values(ofType(production.database, "AWS::RDS::DBInstance")).filter(
      ({ Properties }) => Properties?.SourceDBInstanceIdentifier !== undefined,
    );
    expect([replica?.DeletionPolicy, replica?.UpdateReplacePolicy]).toEqual(["Delete", "Delete"]);
  });

  it("is not protected by its own template: what is, from its first second on, cannot be rolled back", () => {
    const resources = Object.values(production).flatMap((template) => Object.values(template.Resources));
    expect(resources.filter(({ Properties }) => Properties?.DeletionProtection !== undefined)).toEqual([]);
  });

  it("has no name of its own that would stand in the way of the next deployment", () => {
    const NAMES = [
      "DBInstanceIdentifier",
      "DBParameterGroupName",
      "DBSubnetGroupName",
      "Name",
      "GroupName",
      "RoleName",
      "AliasName",
      "TopicName",
    ];
    const named = Object.values(production).flatMap((template) =>
      Object.entries(template.Resources).flatMap(([id, { Properties = {} }]) =>
        NAMES.filter((name) => typeof Properties[name] === "string").map((name) => `${id}.${name}`),
      ),
    );
    expect(named).toEqual([]);
  });

  it("has these ids, which are a contract: another one makes an empty database", () => {
    const ids = (template: Template) => STATEFUL.flatMap((type) => Object.keys(ofType(template, type)));
    expect(ids(production.database)).toEqual([
      "mainInstanceE2E9393F",
      "mainReplica17707FE11",
      "mainSubnetGroup9B4374DE",
      "AlarmKeyE05DE300",
      "mainKeyF8284C9F",
      "mainMasterSecretF78C6F27",
    ]);
    expect(ids(production.access)).toEqual([
      "flytesecret667C6797",
      "mlflowsecretCB981E50",
      "prefectsecret1D97B9AC",
      "skillflawsecretD9F6C764",
      "kubeflowpipelinessecret4495097D",
    ]);
  });
});

describe("the network stack", () => {
  const { network } = templatesOf(withAws(minimalAws, { network: null, account: "111122223333" }));

  it("has two zones that CloudFormation chooses, and outlives itself as the databases in it do", () => {
    const subnets = Object.values(ofType(network, "AWS::EC2::Subnet"));
    expect(subnets.map(({ Properties }) => Properties?.AvailabilityZone)).toEqual(
      [0, 1].map((index) => ({ "Fn::Select": [index, { "Fn::GetAZs": "" }] })),
    );
    for (const { DeletionPolicy } of [...subnets, ...Object.values(ofType(network, "AWS::EC2::VPC"))])
      expect(DeletionPolicy).toBe("RetainExceptOnCreate");
  });

  it("has the zones that the environment names, because the region's first two may lack the class", () => {
    const zones = ["eu-central-1b", "eu-central-1c"];
    const { network: named, database } = templatesOf(withAws(minimalAws, { network: null, zones }));
    const subnets = Object.values(ofType(named, "AWS::EC2::Subnet"));
    expect(subnets.map(({ Properties }) => Properties?.AvailabilityZone)).toEqual(zones);
    expect(text(Object.values(ofType(database, "AWS::RDS::DBSubnetGroup"))[0]?.Properties?.SubnetIds).match(/OutputName/g)).toHaveLength(2);
  });

  it("has no way to the internet or from it", () => {
    const types = Object.values(network.Resources).map(({ Type }) => Type);
    expect(types.filter((type) => /InternetGateway|NatGateway|AWS::EC2::Route$|EIP/.test(type))).toEqual([]);
  });
});
